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

/** @param {import('playwright-core').Browser} browser @param {string} base @param {number} width @param {'light' | 'dark'} scheme */
export async function openPage(browser, base, width, scheme) {
  const height = widths[/** @type {keyof typeof widths} */ (width)] ?? 800
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    ignoreHTTPSErrors: true,
    reducedMotion: 'reduce',
    hasTouch: width < 600,
    isMobile: width < 600,
    locale: 'en-GB',
  })
  const page = await context.newPage()
  const complaints = /** @type {string[]} */ ([])
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  const token = process.env['START_TOKEN'] ?? 'any'
  await page.goto(`${base}/#token=${token}`)
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
