import { onMounted, onUnmounted, watch, type Ref } from 'vue'
import { markRead } from '@/api/conversations'
import type { Message } from '@/api/messages'

/** Marks messages read once they were on screen: at the end of the chat, in a visible page. */
export function useMarkRead(
  identity: string,
  peer: string,
  items: Ref<readonly Message[]>,
  atEnd: Ref<boolean>,
): void {
  let marked = ''
  function mark(): void {
    if (!atEnd.value || document.hidden) return
    const newest = items.value.findLast((message) => message.direction === 'in')
    if (newest === undefined || newest.id === marked || !items.value.some((message) => message.unread)) return
    const before = marked
    marked = newest.id
    markRead(identity, peer, newest.id).catch(() => (marked = before))
  }
  watch([items, atEnd], mark, { flush: 'post' })
  onMounted(() => document.addEventListener('visibilitychange', mark))
  onUnmounted(() => document.removeEventListener('visibilitychange', mark))
}
