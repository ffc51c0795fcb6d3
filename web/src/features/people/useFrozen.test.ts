import { expect, it } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import { useFrozen } from './useFrozen'

interface Row {
  id: string
  count: number
}
function setUp(ids: string) {
  const rows = ref<Row[]>([...ids].map((id) => ({ id, count: 1 })))
  const frozen = effectScope().run(() =>
    useFrozen(
      () => rows.value,
      (row) => row.id,
    ),
  )
  if (!frozen) throw new Error('no scope')
  const shown = (): string => frozen.rows.value.map((row) => row.id).join('')
  const set = (now: string): void => void (rows.value = [...now].map((id) => ({ id, count: 2 })))
  return { frozen, shown, set }
}

it('follows the order while nobody points at it', async () => {
  const { shown, set } = setUp('abc')
  set('cab')
  await nextTick()
  expect(shown()).toBe('cab')
})

it('holds the order under the pointer, renews the contents and counts what waits', async () => {
  const { frozen, shown, set } = setUp('abc')
  frozen.hold.value = true
  set('xcab')
  await nextTick()
  expect(shown()).toBe('abc')
  expect(frozen.rows.value[0]?.count).toBe(2)
  expect(frozen.waiting.value).toBe(2)
  frozen.show()
  expect(shown()).toBe('xcab')
  expect(frozen.waiting.value).toBe(0)
})

it('catches up when the pointer leaves', async () => {
  const { frozen, shown, set } = setUp('ab')
  frozen.hold.value = true
  set('ba')
  await nextTick()
  frozen.hold.value = false
  await nextTick()
  expect(shown()).toBe('ba')
})

it('drops a row that is gone even while held', async () => {
  const { frozen, shown, set } = setUp('abc')
  frozen.hold.value = true
  set('ac')
  await nextTick()
  expect(shown()).toBe('ac')
})
