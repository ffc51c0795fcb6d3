import { expect, it } from 'vitest'
import { anchorShift, findAnchor } from './useChatScroll'

/** A scroller whose messages have given heights; happy-dom lays nothing out. */
function scroller(heights: Record<string, number>, scrollTop: number): HTMLElement {
  const container = document.createElement('div')
  container.getBoundingClientRect = () => ({ top: 100 }) as DOMRect
  let offset = 0
  for (const [id, height] of Object.entries(heights)) {
    const element = document.createElement('article')
    element.dataset['message'] = id
    const top = 100 + offset - scrollTop
    element.getBoundingClientRect = () => ({ top, bottom: top + height }) as DOMRect
    container.append(element)
    offset += height
  }
  return container
}

it('takes the first message in view as the anchor, with its place', () => {
  expect(findAnchor(scroller({ a: 50, b: 70, c: 40 }, 60))).toEqual({ id: 'b', offset: -10 })
})

it('moves by exactly what was inserted above, whatever its height', () => {
  const before = findAnchor(scroller({ a: 50, b: 70, c: 40 }, 60))
  if (!before) throw new Error('no anchor')
  const after = scroller({ x: 300, y: 33.5, a: 50, b: 70, c: 40 }, 60)
  expect(anchorShift(after, before)).toBe(333.5)
})

it('does not move for what was inserted below', () => {
  const before = findAnchor(scroller({ a: 50, b: 70 }, 60))
  if (!before) throw new Error('no anchor')
  expect(anchorShift(scroller({ a: 50, b: 70, c: 400 }, 60), before)).toBe(0)
})

it('stays where it is when the anchor itself is gone', () => {
  expect(anchorShift(scroller({ z: 10 }, 0), { id: 'a', offset: 5 })).toBe(0)
})
