import { ref } from 'vue'

/** The sentence in the polite live region of the shell. */
export const spoken = ref('')

const gap = 1000
const queue: string[] = []
let timer: ReturnType<typeof setTimeout> | undefined

function next(): void {
  const sentence = queue.shift()
  timer = undefined
  if (sentence === undefined) return
  // The same sentence twice is a change only after the region was empty.
  spoken.value = spoken.value === sentence ? `${sentence}\u00a0` : sentence
  timer = setTimeout(next, gap)
}

/** Says a short sentence to those who listen to the page, at most one per second. */
export function announce(sentence: string): void {
  if (queue.at(-1) === sentence) return
  queue.push(sentence)
  if (queue.length > 3) queue.splice(0, queue.length - 3)
  timer ??= setTimeout(next, 50)
}
