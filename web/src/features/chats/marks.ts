export interface MarkedPart {
  text: string
  hit: boolean
}

/** Letters without case and accents, and for each of them where it stands in the text. */
function fold(text: string): { letters: string; from: number[] } {
  let letters = ''
  const from: number[] = []
  let at = 0
  for (const character of text) {
    for (const letter of character.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()) {
      letters += letter
      for (let unit = 0; unit < letter.length; unit++) from.push(at)
    }
    at += character.length
  }
  from.push(text.length)
  return { letters, from }
}

/** Splits a text where it contains one of the words that are looked for. */
export function markWords(text: string, wanted: string): MarkedPart[] {
  const words = fold(wanted).letters.split(/\s+/u).filter(Boolean)
  if (words.length === 0 || text === '') return [{ text, hit: false }]
  const { letters, from } = fold(text)
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&'))
  const parts: MarkedPart[] = []
  let end = 0
  for (const match of letters.matchAll(new RegExp(escaped.join('|'), 'gu'))) {
    const start = from[match.index] ?? 0
    const stop = from[match.index + match[0].length] ?? text.length
    if (start > end) parts.push({ text: text.slice(end, start), hit: false })
    parts.push({ text: text.slice(start, stop), hit: true })
    end = stop
  }
  if (end < text.length) parts.push({ text: text.slice(end), hit: false })
  return parts
}
