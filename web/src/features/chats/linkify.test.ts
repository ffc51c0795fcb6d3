import { expect, it } from 'vitest'
import { linkify } from './linkify'
import { parseAddress } from './parseAddress'

const shape = (text: string): string =>
  linkify(text)
    .map((part) => (part.kind === 'link' ? `[${part.text}]` : part.text))
    .join('')

it.each([
  ['see https://unsigned.io/, please', 'see [https://unsigned.io/], please'],
  ['(https://a.example/b?c=1).', '([https://a.example/b?c=1]).'],
  ['javascript:alert(1) and data:text/html', 'javascript:alert(1) and data:text/html'],
  ['https://', 'https://'],
  ['no links', 'no links'],
])('%s', (text, expected) => expect(shape(text)).toBe(expected))

it('loses no character', () => {
  const text = 'a https://x.example/1 b http://y.example. c'
  expect(
    linkify(text)
      .map((part) => part.text)
      .join(''),
  ).toBe(text)
})

const address = 'a9f1b5c87722d0e4416fb92c7d03e855'
it.each([
  [address, address],
  [`<${address.toUpperCase()}>`, address],
  [` ${address.slice(0, 8)} ${address.slice(8)} `, address],
  [`lxma://${address}:${'0'.repeat(128)}`, address],
  ['a9f1', null],
  ['Mira', null],
  [`${address}00`, null],
])('reads the address %s', (text, expected) => expect(parseAddress(text)).toBe(expected))
