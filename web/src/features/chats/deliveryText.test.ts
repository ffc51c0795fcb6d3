import { describe, expect, it } from 'vitest'
import type { Delivery } from '@/api/messages'
import { text } from '@/lib/text'
import { deliveryLook, reasonText, showsText } from './deliveryText'

const now = new Date(2026, 10, 23, 14, 0).getTime()
const base = { attempt: 1, final: false, retryable: false, since: now - 14_000 }
const shown = (delivery: Partial<Delivery> & { state: Delivery['state'] }): string =>
  deliveryLook({ ...base, ...delivery }, now, text).text

describe('the thirteen states in words', () => {
  it.each<[Partial<Delivery> & { state: Delivery['state'] }, string]>([
    [{ state: 'waiting' }, 'Waiting to send'],
    [{ state: 'stamp', percent: 40 }, 'Working out stamp · 40%'],
    [{ state: 'path', try: 2 }, 'Looking for a path · try 2 · 14 secs'],
    [{ state: 'connecting', hops: 3, interface: 'Hub A' }, 'Connecting · 3 hops via Hub A'],
    [{ state: 'sending', percent: 42, rate: 1100, eta_ms: 50_000 }, 'Sending 42% · 1.1 kB/s · ~50 secs'],
    [{ state: 'sending', percent: 7, rate: 12, slow: true }, 'Sending 7% · 12 B/s · slow'],
    [{ state: 'sent' }, 'Sent, waiting for confirmation'],
    [{ state: 'propagated', via: 'Oslo PN' }, 'In propagation node “Oslo PN”'],
    [{ state: 'delivered', took_ms: 1800 }, 'Delivered · 1.8 secs'],
    [
      { state: 'retry_wait', retry_at: new Date(2026, 10, 23, 14, 32).getTime(), code: 'no_path' },
      'Will retry at 14:32 · no path',
    ],
    [{ state: 'wait_heard' }, 'Will go when they are next heard'],
    [{ state: 'failed', code: 'link_timeout' }, 'Not delivered · no answer'],
    [
      { state: 'refused', code: 'too_large_direct', limit: 1_000_000 },
      'Refused by recipient · too large, they accept 1 MB',
    ],
    [{ state: 'cancelled' }, 'Cancelled'],
  ])('%j', (delivery, words) => expect(shown(delivery)).toBe(words))

  it('gives every state a glyph of its own', () => {
    const states = [
      'waiting',
      'stamp',
      'path',
      'connecting',
      'sending',
      'sent',
      'propagated',
      'delivered',
      'retry_wait',
      'wait_heard',
      'failed',
      'refused',
      'cancelled',
    ] as const
    const icons = states.map((state) => deliveryLook({ ...base, state }, now, text).icon)
    expect(new Set(icons).size).toBe(states.length)
  })

  it('never says delivered of what only reached a propagation node', () => {
    expect(shown({ state: 'propagated', final: true })).not.toContain('Delivered')
  })

  it('shows a reason it does not know instead of hiding it', () => {
    expect(reasonText('quantum_noise', undefined, text)).toBe('quantum_noise')
  })
})

describe('where the words stand', () => {
  it('collapses settled messages to a glyph, except the last own one', () => {
    const delivered: Delivery = { ...base, state: 'delivered', final: true }
    expect(showsText(delivered, false)).toBe(false)
    expect(showsText(delivered, true)).toBe(true)
  })
  it.each(['failed', 'refused', 'cancelled', 'retry_wait', 'path'] as const)('always words %s', (state) => {
    expect(showsText({ ...base, state, final: state !== 'retry_wait' && state !== 'path' }, false)).toBe(true)
  })
})
