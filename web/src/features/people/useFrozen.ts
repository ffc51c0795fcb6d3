import { computed, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue'

export interface Frozen<T> {
  rows: ComputedRef<readonly T[]>
  /** Rows whose place or content waits to be shown. */
  waiting: ComputedRef<number>
  show: () => void
  hold: Ref<boolean>
}

/**
 * A list that does not move under the hand: while it is held, rows keep their order and only
 * their contents change; new ones wait behind a count.
 */
export function useFrozen<T>(source: () => readonly T[], keyOf: (row: T) => string): Frozen<T> {
  const hold = ref(false)
  const order = shallowRef<readonly string[]>([])
  const byKey = computed(() => new Map(source().map((row) => [keyOf(row), row])))
  const keys = computed(() => source().map(keyOf))

  function show(): void {
    order.value = keys.value
  }
  watch(
    [keys, hold],
    () => {
      if (!hold.value || order.value.length === 0) show()
    },
    { immediate: true },
  )
  const rows = computed(() =>
    order.value.flatMap((key) => {
      const row = byKey.value.get(key)
      return row === undefined ? [] : [row]
    }),
  )
  const waiting = computed(() => {
    if (!hold.value) return 0
    const shown = new Map(order.value.map((key, index) => [key, index]))
    // A row waits if it is new, or if it moved up past others: what was passed only moved down.
    let moved = 0
    let least = Infinity
    for (let index = keys.value.length - 1; index >= 0; index--) {
      const at = shown.get(keys.value[index] ?? '')
      if (at === undefined || at > least) moved++
      else least = at
    }
    return moved
  })
  return { rows, waiting, show, hold }
}
