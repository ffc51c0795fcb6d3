// Writing and reading: drafts, the tray, the unread line, scrolling, what is spoken, and the keyboard alone.
// @ts-check
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { go, messageWith, settled, write } from './lab/browser.mjs'
import { chat, Lab } from './lab/lab.mjs'
import { until } from './lab/node.mjs'
import { photo } from './lab/samples.mjs'

const lab = new Lab()
/** @type {Awaited<ReturnType<Lab['pair']>>} */ let pair
/** @type {Awaited<ReturnType<Lab['page']>>} */ let page

before(async () => {
  pair = await lab.pair()
  const { one: ada, two: ben } = pair
  await ada.mine('POST', '/contacts', { address: ben.address, name: 'Ben' })
  await ben.mine('POST', '/contacts', { address: ada.address, name: 'Ada' })
  for (let n = 1; n <= 30; n++)
    await ada.send(ben.address, `Line ${n} of the log\nwith a second line\nand a third`)
  await received(30)
  page = await lab.page(ben, { path: chat(ben, ada) })
})
after(() => lab.close())

/** @param {number} count */
function received(count) {
  const { one: ada, two: ben } = pair
  return until(`${count} messages`, async () => (await ben.messages(ada.address)).length >= count)
}
const field = () => page.getByRole('textbox', { name: /^Message to / })
const tray = () => page.getByRole('list', { name: 'Files to send' }).getByRole('listitem')

test('criterion 14: a draft with text, file and quote outlives a reload and is there in another browser', async () => {
  const { one: ada, two: ben } = pair
  const last = page.locator('[data-message]').last()
  await last.hover()
  await last.getByRole('button', { name: 'Message actions' }).click()
  await page.getByRole('menuitem', { name: 'Reply' }).click()
  await page
    .locator('form input[type=file]')
    .last()
    .setInputFiles({ name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('a plan') })
  await field().fill('Half written')
  await until('the draft is stored', async () => {
    const draft = await ben.mine('GET', `/conversations/${ada.address}/draft`)
    return draft.text === 'Half written' && draft.attachments.length === 1 && draft.reply_to !== ''
  })
  await page.reload()
  const other = await lab.page(ben, { path: chat(ben, ada) })
  for (const one of [page, other]) {
    await one.waitForFunction(() => document.querySelector('textarea')?.value === 'Half written')
    await one.getByRole('list', { name: 'Files to send' }).getByText('plan.txt').waitFor()
    await one.locator('form').getByText('Reply to').waitFor()
  }
  await other.context().close()
  await go(page, ben, chat(ben))
  await page.getByRole('link', { name: /Ada/ }).getByText('Draft:').waitFor()
  await go(page, ben, chat(ben, ada))
  await page.getByRole('button', { name: 'Do not reply to this message' }).click()
  await page.getByRole('button', { name: 'Remove plan.txt' }).click()
  await field().fill('')
})

test('criterion 15: pasted and dropped files stand in the tray; the keyboard takes them out', async () => {
  const image = [...photo(20, 20, 'paste')]
  await field().focus()
  await page.evaluate((bytes) => {
    const data = new DataTransfer()
    data.items.add(new File([new Uint8Array(bytes)], 'pasted.png', { type: 'image/png' }))
    document.activeElement?.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
    )
  }, image)
  await page.locator('main h1').evaluate((header) => {
    const data = new DataTransfer()
    for (const name of ['a.txt', 'b.txt', 'c.txt'])
      data.items.add(new File([name], name, { type: 'text/plain' }))
    for (const type of ['dragenter', 'dragover', 'drop'])
      header.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }))
  })
  await tray().nth(3).waitFor()
  assert.equal(await tray().count(), 4)
  await tray().filter({ hasText: 'b.txt' }).focus()
  await page.keyboard.press('Delete')
  await tray().filter({ hasText: 'b.txt' }).waitFor({ state: 'detached' })
  assert.equal(await tray().count(), 3)
  for (let left = 3; left > 0; left--) await tray().first().getByRole('button').click()
  assert.equal(await tray().count(), 0)
})

test('criterion 31: nine short messages fit at 1280 × 800, and the composer is low', async () => {
  const { one: ada, two: ben } = pair
  for (let n = 1; n <= 12; n++) await ada.send(ben.address, `Short ${n}`)
  await page.locator('[data-message]', { hasText: /Short 12/ }).waitFor()
  await page.evaluate(() => document.querySelector('[role=log]')?.scrollTo(0, 1e9))
  const seen = await page.evaluate(() => {
    const log = document.querySelector('[role=log]')?.getBoundingClientRect()
    return [...document.querySelectorAll('[data-message]')].filter((one) => {
      const box = one.getBoundingClientRect()
      return log && box.top >= log.top && box.bottom <= log.bottom && /Short/.test(one.textContent ?? '')
    }).length
  })
  assert.ok(seen >= 9, `${seen} messages in view`)
  const composer = await page.locator('form[aria-label="Write a message"]').boundingBox()
  assert.ok(composer && composer.height <= 72, `composer ${composer?.height} px`)
})

test('criterion 19: the unread line stands above the first unread message until the chat is left; the day stays in view', async () => {
  const { one: ada, two: ben } = pair
  await go(page, ben, '/network')
  const count = (await ben.messages(ada.address)).length
  await ada.send(ben.address, 'First unread')
  await ada.send(ben.address, 'Second unread')
  await received(count + 2)
  await page.getByRole('link', { name: 'Chats 2 unread messages' }).waitFor()
  await go(page, ben, chat(ben, ada))
  const line = page.getByRole('separator', { name: 'Unread messages' })
  await line.waitFor()
  const below = await line.evaluate((one) => one.nextElementSibling?.textContent ?? '')
  assert.match(below, /First unread/)
  await ada.send(ben.address, 'Third, while reading')
  await page.locator('[data-message]', { hasText: 'Third, while reading' }).waitFor()
  assert.equal(await line.count(), 1)
  const pill = await page.evaluate(() => {
    const log = document.querySelector('[role=log]')
    const day = log?.querySelector('[role=separator]')
    if (!log || !day) return -1
    log.scrollTop -= 300
    return day.getBoundingClientRect().top - log.getBoundingClientRect().top
  })
  assert.ok(pill >= 0 && pill < 40, `day at ${pill} px`)
  await go(page, ben, '/network')
  await until('all is read', async () => {
    const { unread } = await ben.mine('GET', `/conversations/${ada.address}`)
    return unread === 0
  }).catch(() => undefined)
  await go(page, ben, chat(ben, ada))
  await page.locator('[data-message]').last().waitFor()
  assert.equal(await line.count(), 0)
})

test('criterion 20: fifty messages that arrive below do not move what is read', async () => {
  const { one: ada, two: ben } = pair
  await go(page, ben, chat(ben, ada))
  await page.locator('[data-message]').last().waitFor()
  const anchor = await page.evaluate(async () => {
    const log = /** @type {HTMLElement} */ (document.querySelector('[role=log]'))
    log.scrollTop -= 2000
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    const top = log.getBoundingClientRect().top
    const first = [...log.querySelectorAll('[data-message]')].find(
      (one) => one.getBoundingClientRect().bottom > top,
    )
    return { id: first?.getAttribute('data-message') ?? '', at: first?.getBoundingClientRect().top ?? 0 }
  })
  for (let n = 1; n <= 50; n++) await ada.send(ben.address, `Flood ${n} of 50`)
  await page.getByRole('button', { name: 'Jump to 50 new messages' }).waitFor()
  const at = await page
    .locator(`[data-message="${anchor.id}"]`)
    .evaluate((one) => one.getBoundingClientRect().top)
  assert.ok(Math.abs(at - anchor.at) <= 1, `moved ${at - anchor.at} px`)
  await page.getByRole('button', { name: 'Jump to 50 new messages' }).click()
  await page.locator('[data-message]', { hasText: 'Flood 50 of 50' }).waitFor()
})

test('criterion 27: an incoming message is spoken once, scrolling speaks nothing', async () => {
  const { one: ada } = pair
  // What the test before caused is spoken first; at the end its last message is.
  await page.locator('[role=status][aria-live=polite]', { hasText: 'Flood 50 of 50' }).waitFor()
  await page.evaluate(() => {
    const said = /** @type {string[]} */ ([])
    Object.assign(window, { said })
    const region = document.querySelector('[role=status][aria-live=polite]')
    if (region)
      new MutationObserver(() => said.push(region.textContent ?? '')).observe(region, {
        subtree: true,
        childList: true,
        characterData: true,
      })
  })
  const said = () => page.evaluate(() => /** @type {string[]} */ (/** @type {any} */ (window).said))
  await ada.send(pair.two.address, 'Say this once')
  await until('it is spoken', async () => (await said()).length > 0)
  await page.evaluate(async () => {
    const log = /** @type {HTMLElement} */ (document.querySelector('[role=log]'))
    for (let step = 0; step < 40; step++) {
      log.scrollTop -= 100
      await new Promise((done) => requestAnimationFrame(done))
    }
    log.scrollTop = log.scrollHeight
    await new Promise((done) => setTimeout(done, 1200)) // the region speaks at most once per second
  })
  const all = await said()
  assert.equal(all.length, 1, all.join(' | '))
  assert.match(all[0] ?? '', /^Ada: Say this once\. \d/)
})

/** The focused element, and whether it can be seen that it is. */
function focus() {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!(element instanceof HTMLElement) || element === document.body) return { name: '', width: 0 }
    // A message shows its focus around what was written.
    const style = getComputedStyle(
      element.matches('article') ? (element.querySelector('.bubble') ?? element) : element,
    )
    return {
      name: `${element.tagName} ${element.getAttribute('aria-label') ?? (element.textContent ?? '').slice(0, 30)}`,
      width: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
    }
  })
}

/** Presses a key and sees that the focus can be seen. @param {string} key */
async function press(key) {
  await page.keyboard.press(key)
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
  const { name, width } = await focus()
  if (name !== '') assert.ok(width >= 2, `after ${key}: outline of ${name} is ${width} px`)
}

/** Tabs on until an element has the focus. @param {string} selector */
async function tabTo(selector) {
  for (let step = 0; step < 60; step++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return
    await press('Tab')
  }
  assert.fail(`Tab does not reach ${selector}`)
}

test('criterion 23: a file is sent, a delivery explained, the chat and the theme changed without a pointer', async () => {
  const { one: ada, two: ben } = pair
  await ben.send('00112233445566778899aabbccddeeff', 'Another chat')
  await go(page, ben, chat(ben, ada))
  await page.locator('[data-message]').last().waitFor()
  await page.keyboard.press('F6')
  await tabTo('button[aria-label="Attach"]')
  await press('Enter')
  await page.getByRole('menuitem', { name: 'File' }).waitFor()
  await press('ArrowDown')
  const chooser = page.waitForEvent('filechooser')
  await page.keyboard.press(
    await page.evaluate(() =>
      document.activeElement?.textContent?.includes('File') ? 'Enter' : 'ArrowDown',
    ),
  )
  const early = await Promise.race([
    chooser,
    page
      .getByRole('menuitem', { name: 'File' })
      .and(page.locator('[data-highlighted]'))
      .waitFor({ timeout: 3000 })
      .then(
        () => null,
        () => null,
      ),
  ])
  if (early === null) await page.keyboard.press('Enter')
  await (
    await chooser
  ).setFiles({ name: 'keys.txt', mimeType: 'text/plain', buffer: Buffer.from('keys only') })
  await tray().first().waitFor()
  await field().focus()
  await page.keyboard.type('By keys alone')
  await page.locator('form button[type=submit]:enabled').waitFor()
  await page.keyboard.press('Enter')
  const id = await messageWith(page, 'By keys alone')
  await page.locator(`[data-message="${id}"] [data-state=delivered]`).waitFor()
  await page.keyboard.press('Control+d')
  await page.locator('section[aria-label="What happened"]').waitFor()
  await press('Escape')
  await page.locator('section[aria-label="What happened"]').waitFor({ state: 'detached' })
  await press('Alt+ArrowDown')
  await page.waitForURL(/00112233445566778899aabbccddeeff/)
  await page.keyboard.press('F6')
  await tabTo('nav a[href$="/settings"]')
  await press('Enter')
  await settled(page)
  await tabTo('main a[href^="/i/"][href$="/settings"]')
  await press('Enter')
  await page.locator('[data-setting=theme]').waitFor()
  await tabTo('[data-setting=theme] select')
  await page.keyboard.type('Dark')
  await page.locator('html[data-theme=dark]').waitFor()
})

test('criterion 24: F6 walks through the regions that are there; Esc gives the focus back', async () => {
  const { one: ada, two: ben } = pair
  await go(page, ben, chat(ben, ada))
  await page.locator('[data-message]').last().waitFor()
  const where = () =>
    page.evaluate(() => document.activeElement?.closest('[data-region]')?.getAttribute('data-region') ?? '')
  await field().focus()
  const visited = []
  for (let step = 0; step < 4; step++) {
    await page.keyboard.press('F6')
    visited.push(await where())
  }
  assert.deepEqual(visited, ['rail', 'list', 'main', 'composer'])
  const opener = page.getByRole('button', { name: 'New chat' })
  await opener.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'New chat' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.equal(await opener.evaluate((one) => one === document.activeElement), true)
  await page.locator('[data-message]').last().focus()
  await page.keyboard.press('Control+d')
  await page.locator('[data-region=details]').waitFor()
  await field().focus()
  const withDetails = []
  for (let step = 0; step < 5; step++) {
    await page.keyboard.press('F6')
    withDetails.push(await where())
  }
  assert.deepEqual(withDetails, ['details', 'rail', 'list', 'main', 'composer'])
  await page.keyboard.press('Escape')
  await page.locator('[data-region=details]').waitFor({ state: 'detached' })
  await write(page, 'Done')
})
