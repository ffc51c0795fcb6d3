export type TextPart = { kind: 'text'; text: string } | { kind: 'link'; text: string; url: URL }

const candidate = /https?:\/\/[^\s<>"'`]+/giu
/** Punctuation that ends a sentence, not an address. */
const trailing = /[.,;:!?)\]}]+$/u

/** Splits plain text into words and web addresses. Nothing is ever fetched for a link. */
export function linkify(text: string): TextPart[] {
  const parts: TextPart[] = []
  let end = 0
  for (const match of text.matchAll(candidate)) {
    const shown = match[0].replace(trailing, '')
    const url = URL.canParse(shown) ? new URL(shown) : undefined
    if (url === undefined || url.hostname === '') continue
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) })
    parts.push({ kind: 'link', text: shown, url })
    end = match.index + shown.length
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) })
  return parts
}
