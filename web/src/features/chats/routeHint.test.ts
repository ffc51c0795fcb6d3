import { expect, it } from 'vitest'
import type { Route } from '@/api/conversations'
import { text } from '@/lib/text'
import { routeHint, sendTime } from './routeHint'

const path: Route = {
  state: 'path',
  hops: 3,
  interface: 'Hub A',
  bitrate: 3100,
  single_max: 295,
  stamp_cost: 0,
  ticket: false,
}

it('names the way and its speed while the text is short', () => {
  expect(routeHint(path, 20, 0, text).text).toBe('3 hops via Hub A · 3.1 kbit/s')
})

it('estimates size and time above one packet', () => {
  expect(routeHint(path, 100, 32_000, text).text).toBe('3 hops via Hub A · 32.1 kB · about 2 mins')
  expect(sendTime(32_000, 3100)).toBeCloseTo(94_967, -3)
})

it('says that a link is needed when the speed is not known', () => {
  const { bitrate: _, ...unknown } = path
  expect(routeHint(unknown, 400, 0, text).text).toContain('needs a link')
})

it('warns of what the peer will not take, before it is sent', () => {
  const hint = routeHint({ ...path, limit: 1_000_000 }, 10, 4_000_000, text)
  expect(hint).toEqual({ text: '4 MB is more than the 1 MB they accept', tone: 'warn' })
})

it.each([
  ['no_interface', 'Not connected: will wait'],
  ['unknown_peer', 'Never heard: will wait for their announce'],
  ['no_path', 'No path yet: it will be looked for'],
] as const)('is never silent without a path: %s', (state, words) => {
  expect(routeHint({ state, single_max: 295, stamp_cost: 0, ticket: false }, 10, 0, text).text).toBe(words)
})

it('mentions a stamp only when a ticket does not replace it', () => {
  expect(routeHint({ ...path, stamp_cost: 8 }, 1, 0, text).text).toContain('stamp of 8 bits')
  expect(routeHint({ ...path, stamp_cost: 8, ticket: true }, 1, 0, text).text).not.toContain('stamp')
})
