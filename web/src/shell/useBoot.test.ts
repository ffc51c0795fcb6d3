import { expect, it } from 'vitest'
import { chooseIdentity } from '@/features/identities/useIdentity'
import { takeStartToken } from './useBoot'

it.each([
  ['https://x/#token=abc', 'abc', '/'],
  ['https://x/?token=abc&a=1', 'abc', '/?a=1'],
  ['https://x/network#token=abc&b=2', 'abc', '/network#b=2'],
  ['https://x/network?q=1#here', '', '/network?q=1#here'],
])('takes the token out of %s', (url, token, rest) =>
  expect(takeStartToken(new URL(url))).toEqual({ token, rest }),
)

it('chooses the last identity, else an enabled one, else any', () => {
  const made = (hash: string, enabled: boolean) => ({ hash, enabled }) as never
  const all = [made('a', false), made('b', true), made('c', true)]
  expect(chooseIdentity(all, 'c')).toBe('c')
  expect(chooseIdentity(all, 'gone')).toBe('b')
  expect(chooseIdentity([made('a', false)], '')).toBe('a')
  expect(chooseIdentity([], 'a')).toBe('')
})
