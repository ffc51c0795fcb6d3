// Accessibility of every page: axe (WCAG 2.2 A and AA), landmarks, headings, named controls, reflow.
//   node e2e/axe.mjs [--only=chat] [--widths=360]
// @ts-check
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { launch, openPage, settled } from './browser.mjs'
import { look, startDemo } from './demo.mjs'
import { shots } from './routes.mjs'

/** @param {string} name */
const option = (name) =>
  process.argv
    .find((one) => one.startsWith(`--${name}=`))
    ?.split('=')[1]
    ?.split(',')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const demo = await startDemo()
const browser = await launch()
let bad = 0
let pages = 0

const first = await openPage(browser, demo.url, 1280, 'light')
const world = await look(first.page)
const session = await first.page.context().storageState()
await first.close()

/** Facts axe does not check. Runs in the page. */
function structure() {
  const problems = []
  const shown = (/** @type {Element} */ element) => element.getClientRects().length > 0
  const count = (/** @type {string} */ selector) =>
    [...document.querySelectorAll(selector)].filter(shown).length
  const dialog = document.querySelector('[role=dialog]') !== null
  if (!dialog && count('main') !== 1) problems.push(`${count('main')} main landmarks`)
  if (!dialog && count('h1') !== 1) problems.push(`${count('h1')} h1 headings`)
  for (const nav of document.querySelectorAll('nav'))
    if (!nav.getAttribute('aria-label')) problems.push('a nav without a name')
  const small = [...document.querySelectorAll('body *')].filter(
    (element) =>
      shown(element) &&
      element.childNodes.length > 0 &&
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()) &&
      parseFloat(getComputedStyle(element).fontSize) < 12,
  )
  if (small.length > 0) problems.push(`${small.length} texts below 12 px`)
  if (document.documentElement.scrollWidth > innerWidth) problems.push('scrolls sideways')
  const least = matchMedia('(pointer: coarse)').matches ? 43.5 : 27.5
  for (const element of document.querySelectorAll(
    'button, select, input:not([type=checkbox]):not([hidden]):not(.sr-only), textarea',
  )) {
    const box = element.getBoundingClientRect()
    const style = getComputedStyle(element)
    if (box.width < 2 || box.height < 2 || style.opacity === '0' || element.closest('[aria-hidden=true]'))
      continue
    if (box.height < least && box.width < 300 && !element.closest('p'))
      problems.push(
        `target ${Math.round(box.width)}×${Math.round(box.height)}: ${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}`,
      )
  }
  return [...new Set(problems)]
}

for (const width of option('widths')?.map(Number) ?? [320, 360, 1280]) {
  for (const scheme of /** @type {('light'|'dark')[]} */ (['light', 'dark'])) {
    const { page, close } = await openPage(browser, demo.base, width, scheme, session)
    for (const shot of shots(world)) {
      if (option('only') && !option('only')?.includes(shot.name)) continue
      await page.goto(demo.base + shot.path)
      await settled(page)
      await shot.act?.(page).catch(() => undefined)
      await page.waitForTimeout(300)
      await page.evaluate(axe)
      const { violations } = await page.evaluate(
        (wanted) =>
          /** @type {any} */ (window).axe.run(document, { runOnly: wanted, resultTypes: ['violations'] }),
        tags,
      )
      // A menu hangs below the body by nature; its trigger is in a landmark.
      for (const one of violations)
        if (one.id === 'region')
          one.nodes = one.nodes.filter(
            (/** @type {any} */ node) => !node.target.join().includes('data-reka-popper'),
          )
      const found = [
        ...(await page.evaluate(structure)),
        ...violations
          .filter((/** @type {any} */ one) => one.nodes.length > 0)
          .map(
            (/** @type {any} */ one) =>
              `${one.id} (${one.impact}): ${one.nodes
                .slice(0, 3)
                .map(
                  (/** @type {any} */ node) =>
                    node.target.join(' ') +
                    (one.id === 'color-contrast' ? ` ${node.any[0]?.data?.contrastRatio}` : ''),
                )
                .join(' | ')}`,
          ),
      ]
      pages++
      bad += found.length
      for (const problem of found) console.log(`${shot.name} ${width} ${scheme}: ${problem}`)
    }
    await close()
  }
}
await browser.close()
await demo.stop()
console.log(`axe: ${pages} pages, ${bad} problems`)
process.exitCode = bad === 0 ? 0 : 1
