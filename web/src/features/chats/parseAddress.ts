/** Reads an LXMF address as people paste it: with delimiters, spaces, capitals, or as an lxma:// link. */
export function parseAddress(input: string): string | null {
  const link = /lxma:\/\/([0-9a-f]{32})/iu.exec(input)
  const digits = link?.[1] ?? input.replace(/[\s<>:]/gu, '')
  return /^[0-9a-f]{32}$/iu.test(digits) ? digits.toLowerCase() : null
}
