import { ref } from 'vue'
import type { Schemas } from './client'
import { secondToken } from './client'

export type ServerEvent = Schemas['Event']
type Handler = (event: ServerEvent) => void

/** Waits between attempts: doubling from the first to the last, each shortened by chance. */
const firstWait = 500
const lastWait = 15_000
/** The server pings every 25 s; two missed pings mean the line is dead. */
const silence = 60_000
/** A short gap is not worth a banner. */
const bannerAfter = 1_500

/** Whether the server is in reach, and when the next attempt is due. */
export const connection = ref<{ state: 'connecting' | 'open' | 'lost'; retryAt: number }>({
  state: 'connecting',
  retryAt: 0,
})

const handlers = new Set<Handler>()
let socket: WebSocket | null = null
let seq: number | null = null
let attempt = 0
let stopped = true
let retryTimer: ReturnType<typeof setTimeout> | undefined
let silenceTimer: ReturnType<typeof setTimeout> | undefined
let bannerTimer: ReturnType<typeof setTimeout> | undefined

/** Adds a handler; the answer takes it away again. */
export function onServerEvent(handler: Handler): () => void {
  handlers.add(handler)
  return () => handlers.delete(handler)
}

/** The wait before attempt n (from 0), given a random number of 0..1. */
export function backOff(n: number, random: number): number {
  const full = Math.min(lastWait, firstWait * 2 ** n)
  return Math.round(full * (0.5 + random / 2))
}

function watchSilence(): void {
  clearTimeout(silenceTimer)
  silenceTimer = setTimeout(() => socket?.close(), silence)
}

function receive(data: unknown): void {
  watchSilence()
  if (typeof data !== 'string') return
  const event = JSON.parse(data) as ServerEvent
  if (event.type === 'ping') return
  // Numbers only grow within a run; a reset starts them anew.
  if (event.type === 'reset' || seq === null || event.seq > seq) seq = event.seq
  else if (event.type !== 'hello') return
  for (const handler of handlers) handler(event)
}

function lost(): void {
  clearTimeout(silenceTimer)
  socket = null
  if (stopped) return
  const wait = backOff(attempt++, Math.random())
  const retryAt = Date.now() + wait
  if (connection.value.state === 'lost') connection.value = { state: 'lost', retryAt }
  else bannerTimer ??= setTimeout(() => (connection.value = { state: 'lost', retryAt }), bannerAfter)
  retryTimer = setTimeout(connect, wait)
}

function connect(): void {
  clearTimeout(retryTimer)
  const query = seq === null ? '' : `?since=${seq}`
  const url = `${location.origin.replace(/^http/, 'ws')}/ws${query}`
  socket = new WebSocket(url, ['meshchatx.v1', `token.${secondToken.get()}`])
  socket.addEventListener('open', () => {
    attempt = 0
    clearTimeout(bannerTimer)
    bannerTimer = undefined
    connection.value = { state: 'open', retryAt: 0 }
    watchSilence()
  })
  socket.addEventListener('message', (message) => receive(message.data))
  socket.addEventListener('close', lost)
}

/** Opens the stream of events and keeps it open. */
export function startEvents(): void {
  if (!stopped) return
  stopped = false
  connect()
}

/** Closes the stream, as after signing out. */
export function stopEvents(): void {
  stopped = true
  clearTimeout(retryTimer)
  clearTimeout(silenceTimer)
  clearTimeout(bannerTimer)
  bannerTimer = undefined
  socket?.close()
  socket = null
  seq = null
  attempt = 0
  connection.value = { state: 'connecting', retryAt: 0 }
}

/** Tries again at once, as when the person asks or the browser comes back online. */
export function retryNow(): void {
  if (socket !== null || stopped) return
  attempt = 0
  connect()
}
