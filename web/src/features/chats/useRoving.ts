import { computed, nextTick, ref, type ComputedRef, type Ref } from 'vue'
import type { Message } from '@/api/messages'

export interface Roving {
  /** The one message that Tab reaches. */
  active: ComputedRef<string>
  activate: (message: string, focus: boolean) => void
  onKey: (event: KeyboardEvent) => void
}

/** Arrows move between messages; Tab enters and leaves the list in one step. */
export function useRoving(container: Ref<HTMLElement | null>, items: Ref<readonly Message[]>): Roving {
  const chosen = ref('')
  const active = computed(() => {
    const known = items.value.some((message) => message.id === chosen.value)
    return known ? chosen.value : (items.value.at(-1)?.id ?? '')
  })

  function activate(message: string, focus: boolean): void {
    chosen.value = message
    if (!focus) return
    void nextTick(() =>
      container.value
        ?.querySelector<HTMLElement>(`[data-message="${message}"]`)
        ?.focus({ preventScroll: false }),
    )
  }

  function onKey(event: KeyboardEvent): void {
    const element = event.target
    if (!(element instanceof HTMLElement) || element.dataset['message'] === undefined) return
    const at = items.value.findIndex((message) => message.id === element.dataset['message'])
    const last = items.value.length - 1
    const steps: Record<string, number> = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: last }
    const next = steps[event.key]
    if (next === undefined || event.altKey || event.ctrlKey) {
      if (event.key === 'Enter') element.querySelector<HTMLElement>('[data-menu]')?.click()
      return
    }
    event.preventDefault()
    const message = items.value[Math.min(last, Math.max(0, next))]
    if (message) activate(message.id, true)
  }
  return { active, activate, onKey }
}
