// Screenshots of every page of the demonstration into e2e/out.
//   node e2e/shots.mjs [--only=chat,network] [--widths=360,1280] [--themes=light]
// MESHCHATX names another binary than bin/meshchatx.
// @ts-check
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { launch, openPage, settled, widths } from './browser.mjs'
import { look, startDemo } from './demo.mjs'
import { shots } from './routes.mjs'

/** @param {string} name */
const option = (name) =>
  process.argv
    .find((one) => one.startsWith(`--${name}=`))
    ?.split('=')[1]
    ?.split(',')
const out = fileURLToPath(new URL('./out/', import.meta.url))
mkdirSync(out, { recursive: true })
const demo = await startDemo()
const browser = await launch()
let bad = 0

const first = await openPage(browser, demo.url, 1280, 'light')
const world = await look(first.page)
const session = await first.page.context().storageState()
await first.close()

for (const width of option('widths')?.map(Number) ?? Object.keys(widths).map(Number)) {
  for (const scheme of /** @type {('light'|'dark')[]} */ (option('themes') ?? ['light', 'dark'])) {
    const { page, complaints, close } = await openPage(browser, demo.base, width, scheme, session)
    for (const shot of shots(world)) {
      if (option('only') && !option('only')?.includes(shot.name)) continue
      await page.goto(demo.base + shot.path)
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
await demo.stop()
console.log(bad === 0 ? 'shots: no complaints' : `shots: ${bad} complaints`)
process.exitCode = bad === 0 ? 0 : 1
