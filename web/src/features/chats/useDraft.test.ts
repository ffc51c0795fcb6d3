import { flushPromises } from '@vue/test-utils'
import { beforeEach, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import type { Draft, PutDraft } from '@/api/drafts'
import { ApiError } from '@/api/problem'
import { unsent, useDraft } from './useDraft'
import { useSend } from './useSend'

const blank: Draft = { text: '', title: '', reply_to: '', attachments: [], version: 0 }
const server = vi.hoisted(() => ({
  draft: null as unknown,
  puts: [] as unknown[],
  sent: [] as { client_id?: string; content: string; written_at?: number }[],
  lost: false,
  conflict: false,
}))

vi.mock('@/api/events', () => ({ onServerEvent: () => () => undefined }))
vi.mock('@/api/drafts', () => ({
  getDraft: () =>
    server.lost ? Promise.reject(new ApiError('server_lost', 0)) : Promise.resolve(server.draft),
  putDraft: (_i: string, _p: string, body: PutDraft) => {
    if (server.lost) return Promise.reject(new ApiError('server_lost', 0))
    const current = server.draft as Draft
    if (body.version !== current.version) return Promise.reject(new ApiError('draft_conflict', 409))
    server.puts.push(body)
    server.draft = { ...blank, text: body.text, version: current.version + 1 }
    return Promise.resolve(server.draft)
  },
  deleteDraft: () => {
    server.draft = blank
    return Promise.resolve()
  },
  deleteUpload: () => Promise.resolve(),
}))
vi.mock('@/api/messages', () => ({
  sendMessage: (_identity: string, body: { content: string }) => {
    server.sent.push(body)
    return server.lost ? Promise.reject(new ApiError('server_lost', 0)) : Promise.resolve({})
  },
}))

function start() {
  const scope = effectScope()
  const draft = scope.run(() => useDraft('me', 'peer'))
  if (!draft) throw new Error('no scope')
  return { draft, stop: () => scope.stop() }
}

beforeEach(() => {
  vi.useFakeTimers()
  Object.assign(server, { draft: blank, puts: [], sent: [], lost: false })
})

it('saves after a pause, once', async () => {
  const { draft } = start()
  await draft.load()
  draft.text.value = 'Hel'
  draft.text.value = 'Hello'
  expect(unsent.get('me', 'peer')).toBe('Hello')
  await vi.advanceTimersByTimeAsync(800)
  expect(server.puts).toHaveLength(1)
  expect(unsent.get('me', 'peer')).toBeNull()
})

it('keeps what is typed before the draft came', async () => {
  const { draft } = start()
  server.draft = { ...blank, text: 'older', version: 3 }
  const loading = draft.load()
  draft.text.value = 'Quick'
  await loading
  expect(draft.text.value).toBe('Quick')
  await vi.advanceTimersByTimeAsync(800)
  expect(server.puts).toMatchObject([{ text: 'Quick', version: 3 }])
})

it('keeps the words in the tab while the server is lost, through a reload', async () => {
  const { draft, stop } = start()
  await draft.load()
  server.lost = true
  draft.text.value = 'Do not lose me'
  await vi.advanceTimersByTimeAsync(5000)
  stop()
  const again = start()
  await again.draft.load()
  expect(again.draft.text.value).toBe('Do not lose me')
})

it('lets the words typed here win over another window', async () => {
  const { draft } = start()
  await draft.load()
  server.draft = { ...blank, text: 'from elsewhere', version: 4 }
  draft.text.value = 'typed here'
  await vi.advanceTimersByTimeAsync(800)
  await flushPromises()
  expect((server.draft as Draft).text).toBe('typed here')
})

it('deletes the draft when it was emptied', async () => {
  server.draft = { ...blank, text: 'old', version: 3 }
  const { draft } = start()
  await draft.load()
  draft.text.value = ''
  await vi.advanceTimersByTimeAsync(800)
  expect((server.draft as Draft).version).toBe(0)
})

it('empties the field at once and forgets the draft when sent', async () => {
  const { draft } = start()
  await draft.load()
  draft.text.value = ' Hello '
  const send = useSend('me', 'peer', draft).send('now')
  expect(draft.text.value).toBe('')
  expect(await send).toBeUndefined()
  expect(server.sent[0]?.content).toBe('Hello')
  expect(unsent.get('me', 'peer')).toBeNull()
})

it('gives the words back when sending fails, and repeats the same wish', async () => {
  const { draft } = start()
  await draft.load()
  const { send } = useSend('me', 'peer', draft)
  draft.text.value = 'Hello'
  server.lost = true
  expect(await send('now')).toBeInstanceOf(ApiError)
  expect(draft.text.value).toBe('Hello')
  server.lost = false
  await send('now')
  const [first, second] = server.sent
  expect(second?.client_id).toBe(first?.client_id)
  expect(second?.written_at).toBe(first?.written_at)
  draft.text.value = 'Hello'
  await send('now')
  expect(server.sent[2]?.client_id).not.toBe(first?.client_id)
})

it('does not lose what was typed while sending failed', async () => {
  const { draft } = start()
  await draft.load()
  server.lost = true
  draft.text.value = 'first'
  const sending = useSend('me', 'peer', draft).send('now')
  draft.text.value = 'second'
  await sending
  expect(draft.text.value).toBe('first\nsecond')
})
