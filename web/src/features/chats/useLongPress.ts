/** A finger that rests this long asks for the menu. */
const restTime = 500
/** A finger that moves farther is scrolling. */
const slack = 10

type Handlers = Record<
  'pointerdown' | 'pointermove' | 'pointerup' | 'pointercancel',
  (event: PointerEvent) => void
>

/** Long press for touch screens whose browser sends no contextmenu event of its own. */
export function useLongPress(open: (event: Event) => void): Handlers {
  let timer: ReturnType<typeof setTimeout> | undefined
  let x = 0
  let y = 0
  const stop = (): void => clearTimeout(timer)
  return {
    pointerdown(event) {
      stop()
      if (event.pointerType !== 'touch') return
      x = event.clientX
      y = event.clientY
      timer = setTimeout(() => open(event), restTime)
    },
    pointermove(event) {
      if (Math.hypot(event.clientX - x, event.clientY - y) > slack) stop()
    },
    pointerup: stop,
    pointercancel: stop,
  }
}
