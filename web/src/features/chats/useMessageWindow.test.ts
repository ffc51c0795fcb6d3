import { flushPromises } from '@vue/test-utils'
import { beforeEach, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import type { ServerEvent } from '@/api/events'
import type { Message, MessagePage, WindowQuery } from '@/api/messages'
import { ApiError } from '@/api/problem'
import { pageSize, useMessageWindow, windowSize } from './useMessageWindow'

/** A conversation on a pretended server. */
const server = vi.hoisted(() => ({
  messages: [] as Message[],
  handlers: new Set<(event: ServerEvent) => void>(),
  calls: [] as string[],
}))

vi.mock('@/api/events', () => ({
  onServerEvent: (handler: (event: ServerEvent) => void) => {
    server.handlers.add(handler)
    return () => server.handlers.delete(handler)
  },
}))
vi.mock('@/api/messages', () => ({
  listMessages: (_identity: string, _peer: string, query: WindowQuery): Promise<MessagePage> => {
    server.calls.push(JSON.stringify(query))
    const { messages } = server
    const limit = query.limit ?? 50
    const at = (id: string | undefined): number => messages.findIndex((message) => message.id === id)
    let from = Math.max(0, messages.length - limit)
    let to = messages.length
    if (query.before) [from, to] = [Math.max(0, at(query.before) - limit), at(query.before)]
    else if (query.after)
      [from, to] = [at(query.after) + 1, Math.min(messages.length, at(query.after) + 1 + limit)]
    else if (query.around) {
      from = Math.max(0, at(query.around) - limit / 2)
      to = Math.min(messages.length, from + limit)
    }
    const first = messages.find((message) => message.unread)
    return Promise.resolve({
      items: messages.slice(from, to),
      has_before: from > 0,
      has_after: to < messages.length,
      total: messages.length,
      before: from,
      ...(first ? { first_unread: first.id } : {}),
    })
  },
  getMessage: (_identity: string, id: string): Promise<Message> => {
    server.calls.push(`get ${id}`)
    const found = server.messages.find((message) => message.id === id)
    return found ? Promise.resolve({ ...found }) : Promise.reject(new ApiError('not_found', 404))
  },
}))

function make(seq: number, more: Partial<Message> = {}): Message {
  return {
    id: `m${seq}`,
    seq,
    peer: 'peer',
    direction: 'in',
    at: seq,
    sent_at: seq,
    content: `${seq}`,
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
    ...more,
  }
}
function happen(type: ServerEvent['type'], message: string, identity = 'me', peer = 'peer'): void {
  for (const handler of server.handlers) handler({ seq: 1, type, identity, ids: { peer, message } })
}
function open(hooks: Parameters<typeof useMessageWindow>[2] = {}) {
  const scope = effectScope()
  const made = scope.run(() => useMessageWindow('me', 'peer', hooks))
  if (!made) throw new Error('no scope')
  return { ...made, stop: () => scope.stop() }
}
const ids = (items: readonly Message[]): string => `${items[0]?.id}..${items.at(-1)?.id}`

beforeEach(() => {
  server.messages = Array.from({ length: 500 }, (_, index) => make(index))
  server.handlers.clear()
  server.calls = []
})

it('opens at the end', async () => {
  const chat = open()
  await chat.open('')
  expect(ids(chat.items.value)).toBe('m470..m499')
  expect(chat.hasBefore.value).toBe(true)
  expect(chat.hasAfter.value).toBe(false)
})

it('opens at the oldest unread message when that is far up, and keeps its line', async () => {
  for (const message of server.messages.slice(200)) message.unread = true
  const chat = open()
  await chat.open('')
  expect(chat.items.value.some((message) => message.id === 'm200')).toBe(true)
  for (const message of server.messages) message.unread = false
  await chat.open('')
  expect(chat.firstUnread.value).toBe('m200')
})

it('moves both ways without gaps and stays small', async () => {
  const chat = open()
  await chat.open('')
  for (let page = 0; page < 6; page++) await chat.loadBefore()
  expect(chat.items.value).toHaveLength(windowSize)
  expect(ids(chat.items.value)).toBe('m290..m379')
  expect(chat.hasAfter.value).toBe(true)
  for (let page = 0; page < 20; page++) await chat.loadAfter()
  expect(ids(chat.items.value)).toBe('m410..m499')
  expect(chat.hasAfter.value).toBe(false)
  const seqs = chat.items.value.map((message) => message.seq)
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
})

it('takes in a new message once, whatever the number of events', async () => {
  const arrived: string[] = []
  const chat = open({ onArrive: (message) => arrived.push(message.id) })
  await chat.open('')
  server.messages.push(make(500))
  for (let index = 0; index < 5; index++) happen('message.added', 'm500')
  await flushPromises()
  expect(ids(chat.items.value)).toBe('m470..m500')
  expect(arrived).toEqual(['m500'])
})

it('counts and reports each message below a window that is scrolled away once', async () => {
  const arrived: string[] = []
  const chat = open({ onArrive: (message) => arrived.push(message.id) })
  await chat.open('m10')
  server.messages.push(make(500), make(501, { direction: 'out' }))
  const before = server.calls.length
  for (const type of ['message.added', 'message.changed'] as const) {
    happen(type, 'm500')
    await flushPromises()
  }
  happen('message.changed', 'm3')
  await flushPromises()
  await chat.loadAfter()
  expect(chat.newBelow.value).toBe(1)
  expect(arrived).toEqual(['m500'])
  expect(server.calls.slice(before).filter((call) => call.startsWith('get'))).toEqual(['get m500', 'get m3'])
  await chat.jumpLatest()
  expect(chat.items.value.at(-1)?.id).toBe('m501')
  expect(chat.newBelow.value).toBe(0)
})

it('keeps what is read when more comes than the window holds', async () => {
  const chat = open({ following: () => false })
  await chat.open('')
  for (let page = 0; page < 4; page++) await chat.loadBefore()
  await chat.jumpTo('m499')
  const first = chat.items.value[0]?.id
  for (let seq = 500; seq < 500 + windowSize; seq++) {
    server.messages.push(make(seq))
    happen('message.added', `m${seq}`)
    await flushPromises()
  }
  expect(chat.items.value[0]?.id).toBe(first)
  expect(chat.items.value.length).toBeLessThanOrEqual(windowSize)
  expect(chat.hasAfter.value).toBe(true)
  expect(chat.newBelow.value).toBe(windowSize)
})

it('renews one message in place and joins bursts of progress', async () => {
  const chat = open()
  await chat.open('')
  const found = server.messages[499]
  if (found) found.content = 'changed'
  for (let index = 0; index < 10; index++) happen('message.changed', 'm499')
  await flushPromises()
  expect(chat.items.value.at(-1)?.content).toBe('changed')
  expect(server.calls.filter((call) => call === 'get m499').length).toBeLessThan(3)
})

it('drops a message that was deleted', async () => {
  const chat = open()
  await chat.open('')
  server.messages.pop()
  happen('message.removed', 'm499')
  await flushPromises()
  expect(chat.items.value.at(-1)?.id).toBe('m498')
})

it('ignores other chats and other identities', async () => {
  const chat = open()
  await chat.open('')
  const before = server.calls.length
  happen('message.added', 'm500', 'me', 'someone')
  happen('message.added', 'm500', 'other', 'peer')
  await flushPromises()
  expect(server.calls).toHaveLength(before)
  chat.stop()
  expect(server.handlers.size).toBe(0)
})

it('jumps to a message far away and back', async () => {
  const chat = open()
  await chat.open('')
  expect(await chat.jumpTo('m3')).toBe(true)
  expect(chat.items.value[0]?.id).toBe('m0')
  expect(chat.items.value.length).toBeLessThanOrEqual(pageSize)
  expect(await chat.jumpTo('gone')).toBe(false)
})
