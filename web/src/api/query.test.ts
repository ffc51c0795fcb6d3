import { flushPromises } from '@vue/test-utils'
import { beforeEach, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import { invalidate, peek, remember, resumeQueries, useQuery, type Resource } from './query'

beforeEach(() => void vi.useFakeTimers())

function run<T>(source: Parameters<typeof useQuery<T>>[0]) {
  const scope = effectScope()
  const query = scope.run(() => useQuery(source))
  if (!query) throw new Error('no scope')
  return { ...query, stop: () => scope.stop() }
}
const settle = async (): Promise<void> => void (await vi.advanceTimersByTimeAsync(0), await flushPromises())

it('fetches once for all who ask for the same', async () => {
  const fetch = vi.fn(() => Promise.resolve(1))
  const resource: Resource<number> = { key: ['a', 1], fetch }
  const [first, second] = [run(resource), run(resource)]
  expect(first.loading.value).toBe(true)
  await settle()
  expect(first.data.value).toBe(1)
  expect(second.data.value).toBe(1)
  expect(fetch).toHaveBeenCalledTimes(1)
})

it('fetches again what an event made stale, at most twice a second', async () => {
  let value = 0
  const fetch = vi.fn(() => Promise.resolve(++value))
  const query = run({ key: ['list', 'x'], fetch })
  await settle()
  for (let index = 0; index < 20; index++) invalidate(['list'])
  await settle()
  expect(fetch).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(500)
  expect(fetch).toHaveBeenCalledTimes(2)
  expect(query.data.value).toBe(2)
})

it('does not miss a change that comes while it fetches', async () => {
  let answer: (value: number) => void = () => undefined
  const fetch = vi.fn(() => new Promise<number>((resolve) => (answer = resolve)))
  const query = run({ key: ['slow'], fetch })
  invalidate(['slow'])
  answer(1)
  await settle()
  await vi.advanceTimersByTimeAsync(500)
  expect(fetch).toHaveBeenCalledTimes(2)
  answer(2)
  await settle()
  expect(query.data.value).toBe(2)
})

it('leaves other keys alone', async () => {
  const fetch = vi.fn(() => Promise.resolve(1))
  run({ key: ['list', 'x'], fetch })
  await settle()
  invalidate(['list', 'y'])
  invalidate(['lis'])
  await vi.advanceTimersByTimeAsync(2000)
  expect(fetch).toHaveBeenCalledTimes(1)
})

it('fetches nothing for pages that are gone, and afresh when one comes back', async () => {
  const fetch = vi.fn(() => Promise.resolve(1))
  const query = run({ key: ['gone'], fetch })
  await settle()
  query.stop()
  invalidate(['gone'])
  await vi.advanceTimersByTimeAsync(2000)
  expect(fetch).toHaveBeenCalledTimes(1)
  const again = run({ key: ['gone'], fetch })
  expect(again.data.value).toBe(1)
  await settle()
  expect(fetch).toHaveBeenCalledTimes(2)
})

it('never writes the answer of one key under another', async () => {
  const id = ref('a')
  const query = run(() => {
    const mine = id.value
    return { key: ['by', mine], fetch: () => Promise.resolve(mine) }
  })
  await settle()
  id.value = 'b'
  await nextTick()
  await settle()
  expect(query.data.value).toBe('b')
  invalidate(['by'])
  await vi.advanceTimersByTimeAsync(600)
  expect(peek(['by', 'a'])).toBe('a')
})

it('keeps what it had when a renewal fails, and tells of the failure', async () => {
  const fetch = vi.fn().mockResolvedValueOnce('old').mockRejectedValueOnce(new Error('lost'))
  const query = run({ key: ['fails'], fetch })
  await settle()
  query.refresh()
  await settle()
  expect(query.data.value).toBe('old')
  expect(query.error.value).toBeInstanceOf(Error)
})

it('sleeps while the page is hidden', async () => {
  const fetch = vi.fn(() => Promise.resolve(1))
  run({ key: ['hidden'], fetch })
  await settle()
  const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
  invalidate(['hidden'])
  await vi.advanceTimersByTimeAsync(5000)
  expect(fetch).toHaveBeenCalledTimes(1)
  hidden.mockReturnValue(false)
  resumeQueries()
  await settle()
  expect(fetch).toHaveBeenCalledTimes(2)
})

it('takes an answer the page already has', async () => {
  const fetch = vi.fn(() => Promise.resolve(1))
  const query = run({ key: ['known'], fetch })
  await settle()
  remember(['known'], 7)
  expect(query.data.value).toBe(7)
  expect(fetch).toHaveBeenCalledTimes(1)
})
