// @ts-check
import { chromium } from 'playwright-core'

export const widths = { 360: 740, 768: 1024, 1280: 800, 1920: 1080 }

/** Starts the browser of the machine; never downloads one. */
export function launch() {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--force-color-profile=srgb',
      '--font-render-hinting=none',
    ],
  })
}

/**
 * Opens an address of the program. session is the storage of a page that has signed in before.
 * @typedef {Awaited<ReturnType<import('playwright-core').BrowserContext['storageState']>>} Session
 * @param {import('playwright-core').Browser} browser @param {string} url @param {number} width @param {'light' | 'dark'} scheme
 * @param {Session} [session]
 */
export async function openPage(browser, url, width, scheme, session) {
  const height = widths[/** @type {keyof typeof widths} */ (width)] ?? 800
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    ignoreHTTPSErrors: true,
    reducedMotion: 'reduce',
    hasTouch: width < 600,
    isMobile: width < 600,
    locale: 'en-GB',
    ...(session ? { storageState: session } : {}),
  })
  const page = await context.newPage()
  const complaints = /** @type {string[]} */ ([])
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(url)
  await page.waitForSelector('main')
  return { page, complaints, close: () => context.close() }
}

/** @param {import('playwright-core').Page} page */
export async function settled(page) {
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page
    .waitForFunction(
      () => document.querySelector('main h1, h1') !== null && document.querySelector('.late') === null,
      undefined,
      { timeout: 5000 },
    )
    .catch(() => undefined)
  await page.evaluate(() => document.fonts.ready)
}
