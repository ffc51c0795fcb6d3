const keyBytes = 64

/** A key file as text: 64 raw bytes become hexadecimal, anything else is text already. */
export async function keyFileText(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  if (bytes.length === keyBytes)
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return new TextDecoder().decode(bytes.subarray(0, 4096)).trim()
}

/** The raw bytes of a key given as hexadecimal text, to save as other programs do. */
export function keyBytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length >> 1)
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16)
  return bytes
}
