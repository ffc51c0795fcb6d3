// Screenshots of every page.   node e2e/shots.mjs [--only=chat,network] [--widths=360,1280] [--themes=light]
// BASE_URL names a running program and START_TOKEN its one-time token; without BASE_URL the mock answers.
// @ts-check
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { launch, openPage, settled, widths } from './browser.mjs'
import { startMock } from './mock.mjs'
import { shots } from './routes.mjs'

/** @param {string} name */
const option = (name) =>
  process.argv
    .find((one) => one.startsWith(`--${name}=`))
    ?.split('=')[1]
    ?.split(',')
const out = fileURLToPath(new URL('./out/', import.meta.url))
mkdirSync(out, { recursive: true })
const mock = process.env['BASE_URL'] ? null : await startMock(4199)
const base = process.env['BASE_URL'] ?? 'http://127.0.0.1:4199'
const browser = await launch()
let bad = 0

for (const width of option('widths')?.map(Number) ?? Object.keys(widths).map(Number)) {
  for (const scheme of /** @type {('light'|'dark')[]} */ (option('themes') ?? ['light', 'dark'])) {
    const { page, complaints, close } = await openPage(browser, base, width, scheme)
    for (const shot of shots) {
      if (option('only') && !option('only')?.includes(shot.name)) continue
      await page.goto(base + shot.path)
      await settled(page)
      try {
        await shot.act?.(page)
      } catch (error) {
        complaints.push(`${shot.name}: ${error}`)
      }
      await page.waitForTimeout(350)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
      if (wide) complaints.push('scrolls sideways')
      await page.screenshot({ path: `${out}${shot.name}-${width}-${scheme}.png` })
      for (const complaint of complaints.splice(0)) {
        bad++
        console.log(`${shot.name} ${width} ${scheme}: ${complaint.slice(0, 200).split('\n')[0]}`)
      }
    }
    await close()
  }
}
await browser.close()
mock?.close()
mock?.closeAllConnections()
console.log(bad === 0 ? 'shots: no complaints' : `shots: ${bad} complaints`)
process.exitCode = bad === 0 ? 0 : 1
