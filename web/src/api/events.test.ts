import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import {
  backOff,
  connection,
  onServerEvent,
  retryNow,
  startEvents,
  stopEvents,
  type ServerEvent,
} from './events'
import { staleKeys } from './live'

class FakeSocket extends EventTarget {
  static all: FakeSocket[] = []
  static get last(): FakeSocket {
    const last = FakeSocket.all.at(-1)
    if (!last) throw new Error('no socket')
    return last
  }
  closed = false
  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    super()
    FakeSocket.all.push(this)
  }
  open(): void {
    this.dispatchEvent(new Event('open'))
  }
  say(event: Partial<ServerEvent>): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify({ ids: {}, ...event }) }))
  }
  close(): void {
    if (this.closed) return
    this.closed = true
    this.dispatchEvent(new Event('close'))
  }
}

const seen: string[] = []
let off: () => void
beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', FakeSocket)
  vi.spyOn(Math, 'random').mockReturnValue(1)
  FakeSocket.all = []
  seen.length = 0
  localStorage.setItem('mcx.second', 'secret')
  off = onServerEvent((event) => seen.push(`${event.type}:${event.seq}`))
  startEvents()
})
afterEach(() => {
  off()
  stopEvents()
  vi.unstubAllGlobals()
})

it('brings the second token as a subprotocol, never in the address', () => {
  expect(FakeSocket.last.protocols).toEqual(['meshchatx.v1', 'token.secret'])
  expect(FakeSocket.last.url).not.toContain('secret')
})

it('resumes where it stopped', async () => {
  FakeSocket.last.open()
  FakeSocket.last.say({ type: 'hello', seq: 10 })
  FakeSocket.last.say({ type: 'path.changed', seq: 11 })
  FakeSocket.last.close()
  await vi.advanceTimersByTimeAsync(500)
  expect(FakeSocket.all).toHaveLength(2)
  expect(FakeSocket.last.url).toMatch(/\/ws\?since=11$/)
})

it('hands every event on once, and no ping', () => {
  const socket = FakeSocket.last
  socket.open()
  socket.say({ type: 'hello', seq: 5 })
  socket.say({ type: 'path.changed', seq: 6 })
  socket.say({ type: 'path.changed', seq: 6 })
  socket.say({ type: 'ping', seq: 6 })
  expect(seen).toEqual(['hello:5', 'path.changed:6'])
})

it('starts its numbers anew after a reset', () => {
  const socket = FakeSocket.last
  socket.say({ type: 'hello', seq: 50 })
  socket.say({ type: 'reset', seq: 3 })
  socket.say({ type: 'path.changed', seq: 4 })
  expect(seen).toEqual(['hello:50', 'reset:3', 'path.changed:4'])
})

it('tells of a lost server only after a moment, and takes it back at once', async () => {
  FakeSocket.last.open()
  FakeSocket.last.close()
  expect(connection.value.state).toBe('open')
  await vi.advanceTimersByTimeAsync(500)
  FakeSocket.last.close()
  await vi.advanceTimersByTimeAsync(1000)
  expect(connection.value.state).toBe('lost')
  retryNow()
  FakeSocket.last.open()
  expect(connection.value.state).toBe('open')
})

it('gives up a line that fell silent', async () => {
  FakeSocket.last.open()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(FakeSocket.all[0]?.closed).toBe(true)
})

it('waits longer each time, up to a bound, never in step with others', () => {
  expect([0, 1, 2, 10].map((n) => backOff(n, 1))).toEqual([500, 1000, 2000, 15_000])
  expect(backOff(3, 0)).toBe(2000)
})

it('maps what changed to what is fetched again', () => {
  const event = (type: ServerEvent['type'], ids = {}): ServerEvent => ({ seq: 1, type, identity: 'me', ids })
  expect(staleKeys(event('reset'))).toEqual([[]])
  expect(staleKeys(event('ping'))).toEqual([])
  expect(staleKeys(event('message.changed', { peer: 'p', message: 'm' }))).toContainEqual([
    'message',
    'me',
    'm',
  ])
  expect(staleKeys(event('message.added', { peer: 'p', message: 'm' }))).toContainEqual([
    'conversations',
    'me',
  ])
  expect(staleKeys(event('check.progress', { peer: 'p', message: 'm' }))).toEqual([['diagnosis', 'me', 'm']])
})
