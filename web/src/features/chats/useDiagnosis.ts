import { computed, onMounted, ref, type ComputedRef, type Ref } from 'vue'
import { announceIdentity } from '@/api/identities'
import {
  cancelMessage,
  diagnosisResource,
  retryMessage,
  runChecks,
  type Diagnosis,
  type Message,
} from '@/api/messages'
import { requestPath } from '@/api/network'
import { problemText } from '@/api/problem'
import { remember, useQuery } from '@/api/query'
import { showToast } from '@/kit/toast'
import { copyText } from '@/lib/clipboard'
import { useText } from '@/lib/text'
import { reportText } from './whyText'

export type WhyAction = Diagnosis['actions'][number]

export interface DiagnosisState {
  diagnosis: ComputedRef<Diagnosis | undefined>
  error: ComputedRef<unknown>
  busy: ComputedRef<boolean>
  actions: ComputedRef<WhyAction[]>
  refresh: () => void
  check: () => Promise<void>
  act: (action: WhyAction) => Promise<void>
}

/** The diagnosis of a message: read, checked live when opened, and acted upon. */
export function useDiagnosis(
  identity: string,
  peer: string,
  message: Message,
  close: () => void,
): DiagnosisState {
  const { t } = useText()
  const resource = diagnosisResource(identity, message.id)
  const { data: diagnosis, error, refresh } = useQuery(resource)
  const starting: Ref<boolean> = ref(false)
  const busy = computed(
    () => starting.value || (diagnosis.value?.checks.some((one) => one.state === 'running') ?? false),
  )
  // Shrinking is done where the file is: before it is sent again, in the composer.
  const actions = computed(() => (diagnosis.value?.actions ?? []).filter((action) => action !== 'shrink'))

  async function check(): Promise<void> {
    starting.value = true
    try {
      remember(resource.key, await runChecks(identity, message.id))
    } catch (problem) {
      showToast(problemText(problem), { tone: 'err' })
    }
    starting.value = false
  }

  async function perform(action: WhyAction): Promise<void> {
    switch (action) {
      case 'request_path':
        await requestPath(peer)
        showToast(t('why.done.request_path'))
        break
      case 'announce_and_retry':
        await announceIdentity(identity)
        await retryMessage(identity, message.id)
        break
      case 'retry':
        await retryMessage(identity, message.id)
        break
      case 'cancel':
        await cancelMessage(identity, message.id)
        close()
        break
      case 'copy_report':
        if (diagnosis.value) await copyText(reportText(diagnosis.value))
        break
      case 'shrink':
        break
    }
  }

  async function act(action: WhyAction): Promise<void> {
    try {
      await perform(action)
    } catch (problem) {
      showToast(problemText(problem), { tone: 'err' })
    }
  }

  onMounted(() => {
    const delivery = message.delivery
    const settled = delivery?.state === 'delivered' || delivery?.state === 'cancelled'
    if (!settled) void check()
  })
  return { diagnosis, error, busy, actions, refresh, check, act }
}
