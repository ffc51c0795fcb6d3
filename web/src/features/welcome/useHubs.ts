import { ref, shallowReactive } from 'vue'
import type { Schemas } from '@/api/client'
import { createInterface, testInterface, type InterfaceConfig, type InterfaceTest } from '@/api/network'
import { problemText } from '@/api/problem'
import { formatDuration } from '@/lib/format'
import { hasText, useText } from '@/lib/text'

export type Hub = Schemas['HubView']

export const hubKey = (hub: Hub): string => `${hub.host}:${hub.port}`

function configOf(hub: Hub): InterfaceConfig {
  return {
    type: 'TCPClientInterface',
    name: hub.name,
    enabled: true,
    mode: 'full',
    target_host: hub.host,
    target_port: hub.port,
  }
}

/** Trying and adding public hubs, one after another so that a slow line is not flooded. */
export function useHubs() {
  const { t } = useText()
  const results = shallowReactive(new Map<string, InterfaceTest | 'running'>())
  const testing = ref(false)
  const adding = ref('')
  const addError = ref('')

  async function testAll(hubs: readonly Hub[]): Promise<void> {
    testing.value = true
    for (const hub of hubs) {
      results.set(hubKey(hub), 'running')
      try {
        results.set(hubKey(hub), await testInterface(configOf(hub)))
      } catch {
        results.set(hubKey(hub), { ok: false, steps: [] })
      }
    }
    testing.value = false
  }

  async function add(hub: Hub): Promise<void> {
    adding.value = hubKey(hub)
    addError.value = ''
    try {
      await createInterface(configOf(hub))
    } catch (error) {
      addError.value = problemText(error)
    }
    adding.value = ''
  }

  function resultText(hub: Hub): string {
    const result = results.get(hubKey(hub))
    if (result === undefined || result === 'running') return ''
    const connect = result.steps.find((step) => step.step === 'connect')
    if (result.ok)
      return connect?.took_ms === undefined ? t('welcome.hubOk') : formatDuration(connect.took_ms)
    const code = result.steps.find((step) => step.state === 'fail')?.code ?? ''
    const key = `interfaces.code.${code}`
    return hasText(key) ? t(key) : t('welcome.hubSilent')
  }
  function answered(hub: Hub): boolean {
    const result = results.get(hubKey(hub))
    return result !== undefined && result !== 'running' && result.ok
  }
  return { results, testing, adding, addError, testAll, add, resultText, answered }
}
