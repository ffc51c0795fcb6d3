import { shallowRef } from 'vue'

export interface Toast {
  id: number
  text: string
  tone: 'plain' | 'err'
  action?: { label: string; run: () => void }
}

const shownFor = 6000
let next = 1

/** What KitToasts draws. Toasts tell of background results and offer undo; errors stay in place. */
export const toasts = shallowRef<readonly Toast[]>([])

export function dismissToast(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

/** Shows a short notice; it leaves after six seconds. */
export function showToast(
  text: string,
  options: { tone?: Toast['tone']; action?: Toast['action'] } = {},
): void {
  const id = next++
  const toast: Toast = {
    id,
    text,
    tone: options.tone ?? 'plain',
    ...(options.action ? { action: options.action } : {}),
  }
  toasts.value = [...toasts.value.slice(-2), toast]
  setTimeout(() => dismissToast(id), shownFor)
}
