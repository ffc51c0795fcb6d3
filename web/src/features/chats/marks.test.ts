import { describe, expect, it } from 'vitest'
import { markWords } from './marks'

const marked = (text: string, wanted: string): string =>
  markWords(text, wanted)
    .map((part) => (part.hit ? `[${part.text}]` : part.text))
    .join('')

describe('markWords', () => {
  it.each([
    ['I am at the hut, the Hut.', 'hut', 'I am at the [hut], the [Hut].'],
    ['Čakám v chate', 'cakam', '[Čakám] v chate'],
    ['two words and two', 'two words', '[two] [words] and [two]'],
    ['e\u0301te\u0301', 'ete', '[e\u0301te\u0301]'],
    ['1 + 1 (sure)', '(sure', '1 + 1 [(sure])'],
    ['😀 smile 😀', '😀', '[😀] smile [😀]'],
    ['昨日の山の写真です。', '写真', '昨日の山の[写真]です。'],
    ['nothing', '', 'nothing'],
    ['', 'x', ''],
  ])('%s / %s', (text, wanted, want) => {
    expect(marked(text, wanted)).toBe(want)
    expect(
      markWords(text, wanted)
        .map((part) => part.text)
        .join(''),
    ).toBe(text)
  })
})
