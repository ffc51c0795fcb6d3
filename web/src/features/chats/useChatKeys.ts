import { onMounted, onUnmounted } from 'vue'
import type { Conversation } from '@/api/conversations'

/** Alt+↑/↓ walk through the chats of the list; with Shift only through those with unread messages. */
export function useChatKeys(
  items: () => readonly Conversation[],
  current: () => string,
  open: (peer: string) => unknown,
): void {
  function onKey(event: KeyboardEvent): void {
    if (!event.altKey || event.ctrlKey || event.metaKey) return
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return
    event.preventDefault()
    const list = items()
    const at = list.findIndex((conversation) => conversation.peer === current())
    const step = event.key === 'ArrowDown' ? 1 : -1
    for (
      let index = at < 0 && step < 0 ? list.length - 1 : at + step;
      index >= 0 && index < list.length;
      index += step
    ) {
      const conversation = list[index]
      if (conversation === undefined) return
      if (event.shiftKey && conversation.unread === 0) continue
      open(conversation.peer)
      return
    }
  }
  onMounted(() => addEventListener('keydown', onKey))
  onUnmounted(() => removeEventListener('keydown', onKey))
}
