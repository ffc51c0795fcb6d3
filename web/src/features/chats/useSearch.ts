import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { searchMessages, type SearchHit } from '@/api/messages'

const quiet = 200

export interface SearchState {
  hits: ShallowRef<readonly SearchHit[]>
  busy: Ref<boolean>
  searched: Ref<boolean>
  error: Ref<unknown>
  more: Ref<boolean>
  loadMore: () => Promise<void>
}

/** Full-text search while one types: newest first, page by page. An answer that came too late is dropped. */
export function useSearch(identity: string, q: Ref<string>, peer: () => string): SearchState {
  const hits = shallowRef<readonly SearchHit[]>([])
  const busy = ref(false)
  const searched = ref(false)
  const error = ref<unknown>()
  const more = ref(false)
  let cursor = ''
  let run = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  async function fetchPage(wanted: string, mine: number): Promise<void> {
    busy.value = true
    try {
      const page = await searchMessages(identity, wanted, peer(), cursor)
      if (mine !== run) return
      hits.value = cursor === '' ? page.items : [...hits.value, ...page.items]
      cursor = page.next_cursor ?? ''
      more.value = cursor !== ''
      error.value = undefined
    } catch (problem) {
      if (mine === run) error.value = problem
    }
    if (mine !== run) return
    busy.value = false
    searched.value = true
  }

  watch(
    q,
    (value) => {
      clearTimeout(timer)
      const mine = ++run
      const wanted = value.trim()
      cursor = ''
      searched.value = false
      if (wanted === '') {
        hits.value = []
        busy.value = more.value = false
        return
      }
      busy.value = true
      timer = setTimeout(() => void fetchPage(wanted, mine), quiet)
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
  return { hits, busy, searched, error, more, loadMore: () => fetchPage(q.value.trim(), run) }
}
