import {
  computed,
  onScopeDispose,
  shallowRef,
  toValue,
  triggerRef,
  watch,
  type ComputedRef,
  type MaybeRefOrGetter,
} from 'vue'

/**
 * What the page knows of the server, by key. A key names a resource from the general to the
 * particular; events make keys stale by prefix, and what is on screen is fetched again.
 */
export type QueryKey = readonly (string | number | boolean)[]

/** A key and how to fetch what it names. The fetch must depend on nothing but the key. */
export interface Resource<T> {
  key: QueryKey
  fetch: () => Promise<T>
  /** Least milliseconds between two fetches. */
  gap?: number
}

interface Entry {
  key: QueryKey
  data: unknown
  error: unknown
  /** Requested at all; data may still be missing. */
  loaded: boolean
  running: boolean
  stale: boolean
  users: number
  usedAt: number
  fetchedAt: number
  gap: number
  timer: ReturnType<typeof setTimeout> | undefined
  fetch: (() => Promise<unknown>) | undefined
}

export interface Query<T> {
  data: ComputedRef<T | undefined>
  error: ComputedRef<unknown>
  /** Nothing to show yet, and nothing went wrong yet. */
  loading: ComputedRef<boolean>
  refresh: () => void
}

/** At most two fetches a second per key, however many events arrive. */
const defaultGap = 500
const keptUnused = 60
/** Kept fresh even while the page is hidden: they feed the title's count. */
const background = new Set(['identities'])

const entries = new Map<string, ReturnType<typeof shallowRef<Entry>>>()

function slot(key: QueryKey): { value: Entry } {
  const name = JSON.stringify(key)
  let found = entries.get(name)
  if (found === undefined) {
    found = shallowRef<Entry>({
      key,
      data: undefined,
      error: undefined,
      loaded: false,
      running: false,
      stale: true,
      users: 0,
      usedAt: 0,
      fetchedAt: 0,
      gap: defaultGap,
      timer: undefined,
      fetch: undefined,
    })
    entries.set(name, found)
    trim()
  }
  return found as { value: Entry }
}

function trim(): void {
  const unused = [...entries].filter(([, entry]) => entry.value?.users === 0)
  if (unused.length <= keptUnused) return
  unused.sort(([, a], [, b]) => (a.value?.usedAt ?? 0) - (b.value?.usedAt ?? 0))
  for (const [name] of unused.slice(0, unused.length - keptUnused)) entries.delete(name)
}

async function run(ref: { value: Entry }): Promise<void> {
  const entry = ref.value
  if (entry.running || entry.fetch === undefined) return
  entry.running = true
  entry.stale = false
  try {
    entry.data = await entry.fetch()
    entry.error = undefined
  } catch (error) {
    entry.error = error
  }
  entry.loaded = true
  entry.running = false
  entry.fetchedAt = Date.now()
  triggerRef(ref as never)
  schedule(ref)
}

function schedule(ref: { value: Entry }): void {
  const entry = ref.value
  if (!entry.stale || entry.users === 0 || entry.running || entry.timer !== undefined) return
  if (document.hidden && !background.has(String(entry.key[0]))) return
  const wait = entry.fetchedAt + entry.gap - Date.now()
  if (wait <= 0) void run(ref)
  else {
    entry.timer = setTimeout(() => {
      entry.timer = undefined
      if (entry.stale) void run(ref)
    }, wait)
  }
}

/** Reads a resource and keeps it fresh while the component lives. No resource (null) reads nothing. */
export function useQuery<T>(source: MaybeRefOrGetter<Resource<T> | null>): Query<T> {
  const current = shallowRef<{ value: Entry } | null>(null)
  const release = (): void => {
    const entry = current.value?.value
    if (entry === undefined) return
    entry.users--
    entry.usedAt = Date.now()
  }
  watch(
    () => JSON.stringify(toValue(source)?.key),
    () => {
      release()
      const wanted = toValue(source)
      if (wanted === null) {
        current.value = null
        return
      }
      const ref = slot(wanted.key)
      ref.value.users++
      ref.value.fetch = wanted.fetch
      ref.value.gap = wanted.gap ?? defaultGap
      current.value = ref
      schedule(ref)
    },
    { immediate: true },
  )
  onScopeDispose(release)
  return {
    data: computed(() => current.value?.value.data as T | undefined),
    error: computed(() => current.value?.value.error),
    loading: computed(() => current.value !== null && !current.value.value.loaded),
    refresh: () => {
      const ref = current.value
      if (ref === null) return
      ref.value.stale = true
      ref.value.fetchedAt = 0
      schedule(ref)
    },
  }
}

function matches(key: QueryKey, prefix: QueryKey): boolean {
  return prefix.every((part, index) => key[index] === part)
}

/** Makes every key that begins with the prefix stale. An empty prefix means everything. */
export function invalidate(prefix: QueryKey): void {
  for (const ref of entries.values()) {
    const entry = ref.value
    if (entry === undefined || !matches(entry.key, prefix)) continue
    entry.stale = true
    schedule(ref as { value: Entry })
  }
}

/** Puts an answer the page already has under its key, so that it need not be asked for. */
export function remember(key: QueryKey, data: unknown): void {
  const ref = slot(key)
  Object.assign(ref.value, { data, error: undefined, loaded: true, stale: false, fetchedAt: Date.now() })
  triggerRef(ref as never)
}

/** What is known under a key now, without asking. */
export function peek<T>(key: QueryKey): T | undefined {
  return entries.get(JSON.stringify(key))?.value?.data as T | undefined
}

/** Fetches again what went stale while nobody was looking. */
export function resumeQueries(): void {
  for (const ref of entries.values()) schedule(ref as { value: Entry })
}

/** Forgets everything: after signing out, and between tests. */
export function forgetQueries(): void {
  for (const ref of entries.values()) clearTimeout(ref.value?.timer)
  entries.clear()
}
