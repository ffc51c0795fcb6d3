import { nextTick, onMounted, onUnmounted, ref, watch, type Ref } from 'vue'
import type { MessageWindow } from './useMessageWindow'

/** Nearer to the end than this, the view follows new messages. */
export const followDistance = 80
/** Pages are fetched this many screens ahead. */
const screensAhead = 1.5

interface Anchor {
  id: string
  offset: number
}

/** The first message whose lower edge is in view, with its place in the viewport. */
export function findAnchor(container: HTMLElement): Anchor | null {
  const top = container.getBoundingClientRect().top
  for (const element of container.querySelectorAll<HTMLElement>('[data-message]')) {
    const box = element.getBoundingClientRect()
    if (box.bottom > top) return { id: element.dataset['message'] ?? '', offset: box.top - top }
  }
  return null
}

/** How far the view must move so that the anchor stands where it stood. */
export function anchorShift(container: HTMLElement, anchor: Anchor): number {
  const element = container.querySelector<HTMLElement>(`[data-message="${anchor.id}"]`)
  if (element === null) return 0
  return element.getBoundingClientRect().top - container.getBoundingClientRect().top - anchor.offset
}

export interface ChatScroll {
  atEnd: Ref<boolean>
  toEnd: () => void
  toMessage: (id: string, place?: ScrollLogicalPosition) => boolean
}

/**
 * Keeps the view still: insertions above never move it, insertions below move it only
 * when the reader is at the end.
 */
export function useChatScroll(container: Ref<HTMLElement | null>, messages: MessageWindow): ChatScroll {
  const atEnd = ref(true)
  let anchor: Anchor | null = null
  let follow = true
  let busy = false
  let observer: ResizeObserver | undefined
  let height = 0

  function toEnd(): void {
    const element = container.value
    if (element === null) return
    element.scrollTop = element.scrollHeight
    atEnd.value = true
    messages.seen()
  }

  function measure(): void {
    const element = container.value
    if (element === null) return
    // The view became lower just now: that alone does not take anybody away from the end.
    if (atEnd.value && element.clientHeight < height) return keepEnd()
    const below = element.scrollHeight - element.scrollTop - element.clientHeight
    atEnd.value = below <= followDistance && !messages.hasAfter.value
    if (atEnd.value) messages.seen()
  }

  function keepEnd(): void {
    height = container.value?.clientHeight ?? 0
    if (atEnd.value) toEnd()
  }

  async function fill(): Promise<void> {
    const element = container.value
    if (element === null || busy || messages.loading.value) return
    const ahead = element.clientHeight * screensAhead
    const below = element.scrollHeight - element.scrollTop - element.clientHeight
    busy = true
    if (messages.hasBefore.value && element.scrollTop < ahead) await messages.loadBefore()
    else if (messages.hasAfter.value && below < ahead) await messages.loadAfter()
    busy = false
  }

  function onScroll(): void {
    measure()
    void fill()
  }

  watch(
    messages.items,
    () => {
      const element = container.value
      follow = atEnd.value
      anchor = element === null ? null : findAnchor(element)
    },
    { flush: 'pre' },
  )
  watch(
    messages.items,
    () => {
      const element = container.value
      if (element === null) return
      if (follow && !messages.hasAfter.value) toEnd()
      else if (anchor !== null) element.scrollTop += anchorShift(element, anchor)
      void nextTick(fill)
    },
    { flush: 'post' },
  )

  function toMessage(id: string, place: ScrollLogicalPosition = 'center'): boolean {
    const element = container.value?.querySelector<HTMLElement>(`[data-message="${id}"]`)
    if (!element) return false
    element.scrollIntoView({ block: place })
    measure()
    return true
  }

  onMounted(() => {
    const element = container.value
    if (element === null) return
    element.addEventListener('scroll', onScroll, { passive: true })
    // The composer grows, a keyboard opens: whoever was at the end stays there.
    observer = new ResizeObserver(keepEnd)
    observer.observe(element)
    if (element.firstElementChild) observer.observe(element.firstElementChild)
  })
  onUnmounted(() => {
    container.value?.removeEventListener('scroll', onScroll)
    observer?.disconnect()
  })
  return { atEnd, toEnd, toMessage }
}
