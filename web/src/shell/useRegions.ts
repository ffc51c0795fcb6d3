import { onMounted, onUnmounted } from 'vue'

const order = ['rail', 'list', 'main', 'composer', 'details']

function regions(): HTMLElement[] {
  return order
    .flatMap((name) => [...document.querySelectorAll<HTMLElement>(`[data-region="${name}"]`)])
    .filter((element) => element.offsetParent !== null || element.getClientRects().length > 0)
}

function focusInside(region: HTMLElement): void {
  const first = region.querySelector<HTMLElement>(
    '[aria-current="page"], textarea, input:not([type="hidden"]), a[href], button:not([disabled]), [tabindex="0"]',
  )
  ;(first ?? region).focus()
}

function cycle(event: KeyboardEvent): void {
  if (event.key !== 'F6' || event.ctrlKey || event.altKey) return
  event.preventDefault()
  const present = regions()
  const focused = document.activeElement
  // The innermost region counts: the composer lies inside main.
  const current = present.reduce((found, region, index) => (region.contains(focused) ? index : found), -1)
  const step = event.shiftKey ? -1 : 1
  const next = present[(current + step + present.length) % present.length]
  if (next !== undefined) focusInside(next)
}

/** F6 and Shift+F6 move through the regions of the page that are present. */
export function useRegions(): void {
  onMounted(() => addEventListener('keydown', cycle))
  onUnmounted(() => removeEventListener('keydown', cycle))
}
