import { computed, ref, watch, type ComputedRef, type Ref } from 'vue'
import { problemText } from '@/api/problem'
import { cancelSync, propagationResource, syncMessages, type Propagation } from '@/api/propagation'
import { useQuery } from '@/api/query'
import { announce } from '@/lib/live'
import { useText } from '@/lib/text'
import { syncLook, type SyncLook } from './propagationText'

export interface SyncControl {
  data: ComputedRef<Propagation | undefined>
  look: ComputedRef<SyncLook | null>
  active: ComputedRef<boolean>
  /** A node is in use, so that there is something to fetch from. */
  possible: ComputedRef<boolean>
  error: Ref<string>
  toggle: () => Promise<void>
}

/** Fetching messages of one identity: how it stands, and the button that starts or stops it. */
export function useSync(identity: () => string): SyncControl {
  const { t } = useText()
  const { data, refresh } = useQuery(() => (identity() === '' ? null : propagationResource(identity())))
  const error = ref('')
  const look = computed(() => (data.value ? syncLook(data.value.sync, t) : null))
  const active = computed(() => data.value?.sync.active === true)
  const possible = computed(() => data.value?.choice.address !== undefined)
  // Who cannot see the line hears only how it ended.
  watch(active, (now, before) => {
    if (before && !now && look.value) announce(look.value.text)
  })
  watch(identity, () => (error.value = ''))

  async function toggle(): Promise<void> {
    error.value = ''
    try {
      await (active.value ? cancelSync(identity()) : syncMessages(identity()))
      refresh()
    } catch (problem) {
      error.value = problemText(problem)
    }
  }
  return { data, look, active, possible, error, toggle }
}
