// Browsers for tests: each with a session of its own, and everything it asked for and complained about on record.
// @ts-check
import { chromium } from 'playwright-core'
import { patience } from './node.mjs'

export const heights = { 320: 640, 360: 740, 768: 1024, 1280: 800, 1920: 1080 }

/** Starts the browser of the machine; never downloads one. */
export function launch() {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] || '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--force-color-profile=srgb',
      '--font-render-hinting=none',
    ],
  })
}

/** Records every text of every delivery state, per message, in the order it was shown. Runs in the page. */
function recordStates() {
  const seen = /** @type {Record<string, { state: string, text: string }[]>} */ ({})
  Object.assign(window, { deliveryStates: seen })
  const look = () => {
    for (const element of document.querySelectorAll('[data-message] [data-state]')) {
      const id = element.closest('[data-message]')?.getAttribute('data-message') ?? ''
      const state = element.getAttribute('data-state') ?? ''
      const text = (element.textContent ?? '').trim()
      const list = (seen[id] ??= [])
      if (list.at(-1)?.text !== text) list.push({ state, text })
    }
  }
  new MutationObserver(look).observe(document, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ['data-state'],
  })
}

/**
 * @typedef {{ width?: number, scheme?: 'light' | 'dark', path?: string, height?: number }} PageOptions
 * @param {import('playwright-core').Browser} browser @param {import('./node.mjs').Node} node @param {PageOptions} [options]
 */
export async function openPage(browser, node, { width = 1280, scheme = 'light', path, height } = {}) {
  const narrow = width < 600
  const context = await browser.newContext({
    viewport: { width, height: height ?? heights[/** @type {keyof typeof heights} */ (width)] ?? 800 },
    colorScheme: scheme,
    ignoreHTTPSErrors: true,
    reducedMotion: 'reduce',
    hasTouch: narrow,
    isMobile: narrow,
    locale: 'en-GB',
    acceptDownloads: true,
  })
  context.setDefaultTimeout(patience)
  await context.addInitScript(recordStates)
  const page = await context.newPage()
  const requests = /** @type {string[]} */ ([])
  const complaints = /** @type {string[]} */ ([])
  context.on('request', (request) => requests.push(request.url()))
  page.on('websocket', (socket) => requests.push(socket.url()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  await page.goto(node.startURL())
  await page.waitForSelector('main h1, h1')
  if (path) await go(page, node, path)
  return Object.assign(page, { requests, complaints })
}

/** @param {import('playwright-core').Page} page @param {import('./node.mjs').Node} node @param {string} path */
export async function go(page, node, path) {
  await page.goto(node.origin + path)
  await settled(page)
}

/** Waits until the page has its content and nothing is loading. @param {import('playwright-core').Page} page */
export async function settled(page) {
  await page.waitForFunction(
    () => document.querySelector('h1') !== null && document.querySelector('.late, [aria-busy=true]') === null,
  )
  await page.evaluate(() => document.fonts.ready)
}

/** What was shown for a message so far. @param {import('playwright-core').Page} page @param {string} id */
export async function shownStates(page, id) {
  const all = await page.evaluate(() => /** @type {any} */ (window).deliveryStates)
  return /** @type {{ state: string, text: string }[]} */ (all[id] ?? [])
}

/** @param {import('playwright-core').Page} page @param {string} text @returns {Promise<string>} id of the message */
export async function messageWith(page, text) {
  const article = page.locator('[data-message]', { hasText: text })
  await article.last().waitFor()
  return (await article.last().getAttribute('data-message')) ?? ''
}

/** @param {import('playwright-core').Page} page @param {string} text */
export async function write(page, text) {
  await page.getByRole('textbox', { name: /^Message to / }).fill(text)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
}
