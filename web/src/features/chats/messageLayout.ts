import type { Message } from '@/api/messages'
import { dayOf } from '@/lib/format'

/** Messages of one side within this time stand together. */
const groupGap = 5 * 60_000

export interface MessageRow {
  message: Message
  /** First and last of a group: room above, corner below. */
  first: boolean
  last: boolean
  /** The unread line stands above this message. */
  unread: boolean
}

export interface MessageDay {
  day: number
  at: number
  rows: MessageRow[]
}

function together(a: Message | undefined, b: Message | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a.direction === b.direction && b.at - a.at <= groupGap && dayOf(a.at) === dayOf(b.at)
}

/** Days with their messages in groups, and the place of the unread line. */
export function layOut(messages: readonly Message[], firstUnread: string): MessageDay[] {
  const days: MessageDay[] = []
  messages.forEach((message, index) => {
    const day = dayOf(message.at)
    let group = days.at(-1)
    if (group === undefined || group.day !== day) {
      group = { day, at: message.at, rows: [] }
      days.push(group)
    }
    const unread = message.id === firstUnread
    const before = messages[index - 1]
    const after = messages[index + 1]
    group.rows.push({
      message,
      unread,
      first: unread || !together(before, message),
      last: after?.id === firstUnread || !together(message, after),
    })
  })
  return days
}

/** The last message we wrote: its state is always in words. */
export function lastOwn(messages: readonly Message[]): string {
  return messages.findLast((message) => message.direction === 'out')?.id ?? ''
}
