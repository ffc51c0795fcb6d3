import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { onServerEvent } from '@/api/events'
import { getMessage, listMessages, type Message, type MessagePage, type WindowQuery } from '@/api/messages'
import { ApiError } from '@/api/problem'

/** Messages asked for at once, and most messages kept in the page: a few screens. */
export const pageSize = 30
export const windowSize = 90

export interface MessageWindow {
  items: ShallowRef<readonly Message[]>
  hasBefore: Ref<boolean>
  hasAfter: Ref<boolean>
  loading: Ref<boolean>
  error: Ref<unknown>
  /** The oldest message unread when the chat was opened; the line stays there until it is left. */
  firstUnread: Ref<string>
  /** Messages of the other side that arrived and that the reader has not come to yet. */
  newBelow: ComputedRef<number>
  /** The reader is at the end: nothing is new below. */
  seen: () => void
  empty: ComputedRef<boolean>
  open: (around: string) => Promise<void>
  loadBefore: () => Promise<void>
  loadAfter: () => Promise<void>
  jumpTo: (message: string) => Promise<boolean>
  jumpLatest: () => Promise<void>
}

export interface WindowHooks {
  /** A message appeared at the end after the chat was opened. */
  onArrive?: (message: Message) => void
  /** Whether the reader is at the end: then the far beginning makes room for what comes, else it waits below. */
  following?: () => boolean
  /** A message that is shown changed. */
  onChange?: (message: Message, before: Message) => void
}

/**
 * A window of a conversation that moves both ways and follows the server's events.
 * Requests run one after another, so that pages never overlap or cross.
 */
export function useMessageWindow(identity: string, peer: string, hooks: WindowHooks = {}): MessageWindow {
  const items = shallowRef<readonly Message[]>([])
  const hasBefore = ref(false)
  const hasAfter = ref(false)
  const loading = ref(true)
  const error = ref<unknown>()
  const firstUnread = ref('')
  const below = shallowRef<ReadonlySet<string>>(new Set())
  const newBelow = computed(() => below.value.size)
  let line: Promise<unknown> = Promise.resolve()
  let closed = false
  const changed = new Set<string>()

  function inLine<T>(work: () => Promise<T>): Promise<T> {
    const next = line.then(work)
    line = next.catch(() => undefined)
    return next
  }

  const fetchPage = (query: WindowQuery): Promise<MessagePage> =>
    listMessages(identity, peer, { limit: pageSize, ...query })

  function show(page: MessagePage): void {
    items.value = page.items
    hasBefore.value = page.has_before
    hasAfter.value = page.has_after
  }

  const seen = (): void => {
    if (below.value.size > 0) below.value = new Set()
  }

  /** Counts and reports a message that came after the chat was opened; each once. */
  function arrive(message: Message): void {
    if (message.direction === 'in') below.value = new Set([...below.value, message.id])
    hooks.onArrive?.(message)
  }

  /** Adds what is new at the end. A full window lets go of its far beginning, or of the new where the reader is not at the end. */
  function append(page: MessagePage, keep: 'end' | 'beginning' = 'end'): void {
    const known = new Set(items.value.map((message) => message.id))
    const fresh = page.items.filter((message) => !known.has(message.id))
    const all = [...items.value, ...fresh]
    const full = all.length > windowSize
    hasAfter.value = page.has_after || (full && keep === 'beginning')
    if (full && keep === 'end') hasBefore.value = true
    items.value = keep === 'end' ? all.slice(-windowSize) : all.slice(0, windowSize)
  }

  function prepend(page: MessagePage): void {
    const known = new Set(items.value.map((message) => message.id))
    const all = [...page.items.filter((message) => !known.has(message.id)), ...items.value]
    hasBefore.value = page.has_before
    if (all.length > windowSize) hasAfter.value = true
    items.value = all.slice(0, windowSize)
  }

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      error.value = undefined
    } catch (problem) {
      error.value = problem
    }
  }

  const open = (around: string): Promise<void> =>
    inLine(() =>
      guarded(async () => {
        loading.value = true
        try {
          let page = await fetchPage(around === '' ? {} : { around })
          const unread = page.first_unread ?? ''
          if (firstUnread.value === '') firstUnread.value = unread
          const outside = unread !== '' && !page.items.some((message) => message.id === unread)
          if (around === '' && outside) page = await fetchPage({ around: unread })
          show(page)
        } finally {
          loading.value = false
        }
      }),
    )

  const loadBefore = (): Promise<void> =>
    inLine(() =>
      guarded(async () => {
        const first = items.value[0]
        if (hasBefore.value && first !== undefined) prepend(await fetchPage({ before: first.id }))
      }),
    )

  const loadAfter = (): Promise<void> =>
    inLine(() =>
      guarded(async () => {
        const last = items.value.at(-1)
        if (hasAfter.value && last !== undefined) append(await fetchPage({ after: last.id }))
      }),
    )

  /** Takes in what was stored after the end of a window that reaches the end. Elsewhere it is only counted. */
  async function catchUp(id: string, added: boolean): Promise<void> {
    if (hasAfter.value) {
      if (added && !below.value.has(id)) arrive(await getMessage(identity, id))
      return
    }
    const before = new Set(items.value.map((message) => message.id))
    const last = items.value.at(-1)
    const page = await fetchPage(last === undefined ? {} : { after: last.id })
    if (closed) return
    append(page, hooks.following?.() === false ? 'beginning' : 'end')
    for (const message of page.items)
      if (!before.has(message.id) && !below.value.has(message.id)) arrive(message)
  }

  async function renew(id: string, added: boolean): Promise<void> {
    const before = items.value.find((message) => message.id === id)
    if (before === undefined) return catchUp(id, added)
    try {
      const fresh = await getMessage(identity, id)
      items.value = items.value.map((message) => (message.id === id ? fresh : message))
      hooks.onChange?.(fresh, before)
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 404)
        items.value = items.value.filter((message) => message.id !== id)
    }
  }

  function noteChange(id: string, added: boolean): void {
    // Progress events come faster than they can be read: one fetch covers all that came before it.
    if (changed.has(id)) return
    changed.add(id)
    void inLine(async () => {
      changed.delete(id)
      if (!closed) await guarded(() => renew(id, added))
    })
  }

  const reload = (): Promise<void> =>
    inLine(() =>
      guarded(async () => {
        const middle = items.value[Math.floor(items.value.length / 2)]
        show(await fetchPage(hasAfter.value && middle !== undefined ? { around: middle.id } : {}))
      }),
    )

  async function jumpTo(message: string): Promise<boolean> {
    if (!items.value.some((one) => one.id === message)) {
      await inLine(() => guarded(async () => show(await fetchPage({ around: message }))))
    }
    return items.value.some((one) => one.id === message)
  }

  async function jumpLatest(): Promise<void> {
    if (hasAfter.value) await inLine(() => guarded(async () => show(await fetchPage({}))))
    seen()
  }

  const off = onServerEvent((event) => {
    if (event.type === 'reset') void reload()
    if (event.identity !== identity || event.ids.peer !== peer || !event.type.startsWith('message.')) return
    if (event.ids.message !== undefined) noteChange(event.ids.message, event.type === 'message.added')
  })
  onScopeDispose(() => {
    closed = true
    off()
  })

  const empty = computed(() => !loading.value && items.value.length === 0)
  return {
    items,
    hasBefore,
    hasAfter,
    loading,
    error,
    firstUnread,
    newBelow,
    seen,
    empty,
    open,
    loadBefore,
    loadAfter,
    jumpTo,
    jumpLatest,
  }
}
