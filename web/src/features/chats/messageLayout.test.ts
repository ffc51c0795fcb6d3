import { expect, it } from 'vitest'
import type { Message } from '@/api/messages'
import { lastOwn, layOut } from './messageLayout'

const noon = new Date(2026, 10, 23, 12).getTime()
function message(id: string, direction: 'in' | 'out', minutes: number): Message {
  const at = noon + minutes * 60_000
  return {
    id,
    direction,
    at,
    sent_at: at,
    seq: minutes,
    peer: '',
    content: id,
    title: '',
    attachments: [],
    commands: [],
    fields: [],
    reactions: [],
    clock_skew: false,
    method: 'direct',
    renderer: 'plain',
    size: 1,
    unread: false,
    verified: 'valid',
  }
}
const flags = (messages: Message[], unread = ''): string[] =>
  layOut(messages, unread).flatMap((day) =>
    day.rows.map(
      (row) => `${row.message.id}${row.first ? '^' : ''}${row.last ? '_' : ''}${row.unread ? '!' : ''}`,
    ),
  )

it('groups one side within five minutes', () => {
  expect(
    flags([message('a', 'in', 0), message('b', 'in', 5), message('c', 'in', 11), message('d', 'out', 11)]),
  ).toEqual(['a^', 'b_', 'c^_', 'd^_'])
})

it('breaks a group at the unread line', () => {
  expect(flags([message('a', 'in', 0), message('b', 'in', 1)], 'b')).toEqual(['a^_', 'b^_!'])
})

it('breaks a group at midnight and gives each day its own section', () => {
  const late = message('a', 'in', 12 * 60 - 1)
  const early = message('b', 'in', 12 * 60 + 1)
  const days = layOut([late, early], '')
  expect(days).toHaveLength(2)
  expect(flags([late, early])).toEqual(['a^_', 'b^_'])
})

it('finds the last own message, whose state is in words', () => {
  expect(lastOwn([message('a', 'out', 0), message('b', 'out', 1), message('c', 'in', 2)])).toBe('b')
  expect(lastOwn([])).toBe('')
})
