// A big file and a photo both ways over a bad medium, with a program killed in the middle of each transfer.
// @ts-check
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { messageWith, shownStates } from './lab/browser.mjs'
import { chat, Lab } from './lab/lab.mjs'
import { until } from './lab/node.mjs'
import { digest, noise, photo } from './lab/samples.mjs'
import { context, packet } from './lab/wire.mjs'

const size = 5_000_000
const lab = new Lab()
/** @type {Awaited<ReturnType<Lab['pair']>>} */ let pair
/** @type {Awaited<ReturnType<Lab['page']>>} */ let adaPage
/** @type {Awaited<ReturnType<Lab['page']>>} */ let benPage

before(async () => {
  pair = await lab.pair()
  const { one: ada, two: ben, wire } = pair
  await ada.mine('POST', '/contacts', { address: ben.address, name: 'Ben' })
  await ben.mine('POST', '/contacts', { address: ada.address, name: 'Ada' })
  adaPage = await lab.page(ada, { path: chat(ada, ben) })
  benPage = await lab.page(ben, { path: chat(ben, ada) })
  await wire.shape({ rate: 900_000, delay: 4, loss: 0.001 })
})
after(() => lab.close())

/**
 * @param {import('playwright-core').Page} page @param {string} text
 * @param {{ name: string, mimeType: string, buffer: Buffer }[]} files
 */
async function sendFiles(page, text, files) {
  await page
    .locator('form input[type=file]')
    .last()
    .setInputFiles(files.filter((one) => !one.mimeType.startsWith('image/')))
  await page
    .locator('form input[type=file]')
    .first()
    .setInputFiles(files.filter((one) => one.mimeType.startsWith('image/')))
  await page.getByRole('textbox', { name: /^Message to / }).fill(text)
  await page.locator('form button[type=submit]:enabled').click()
  return messageWith(page, text)
}

/** Waits until the page says that a message is at least so far. @param {import('playwright-core').Page} page @param {string} id @param {number} percent */
function underWay(page, id, percent) {
  return page.waitForFunction(
    ([id, percent]) => {
      const text = document.querySelector(`[data-message="${id}"] [data-state=sending]`)?.textContent
      return Number(/(\d+)\s?%/.exec(text ?? '')?.[1] ?? -1) >= percent
    },
    /** @type {const} */ ([id, percent]),
    { polling: 50 },
  )
}

/**
 * What arrived, taken out of the page of the receiver as a person would.
 * @param {import('playwright-core').Page} page @param {string} id @param {string} name
 */
async function download(page, id, name) {
  const waiting = page.waitForEvent('download')
  await page
    .locator(`[data-message="${id}"]`)
    .getByRole('link', { name: `Download ${name}` })
    .click()
  return readFileSync(await (await waiting).path())
}

/** @param {import('playwright-core').Page} page @param {string} id */
async function shownPhoto(page, id) {
  const image = page.locator(`[data-message="${id}"] img`)
  await page.waitForFunction((id) => {
    const shown = /** @type {HTMLImageElement | null} */ (
      document.querySelector(`[data-message="${id}"] img`)
    )
    return shown?.complete && shown.naturalWidth > 0
  }, id)
  const bytes = await image.evaluate(async (/** @type {HTMLImageElement} */ element) => [
    ...new Uint8Array(await (await fetch(element.src)).arrayBuffer()),
  ])
  return Buffer.from(bytes)
}

/**
 * The stored log against what passed on the wire: each step of the log has its packets, in its order, and nothing is
 * said to be delivered before its proof passed.
 * @param {any[]} events @param {import('./lab/wire.mjs').Frame[]} frames @param {string} to @param {boolean} toTarget
 */
function checkLog(events, frames, to, toTarget) {
  const out = frames.filter((one) => one.to_target === toTarget)
  const back = frames.filter((one) => one.to_target !== toTarget && !one.lost)
  const at = (/** @type {string} */ kind) => events.filter((one) => one.kind === kind).map((one) => one.at)
  const numbers = events.map((one) => one.seq)
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
    'the log is in order',
  )
  assert.equal(events[0].kind, 'queued')
  assert.equal(events.at(-1).kind, 'delivered')
  assert.equal(at('delivered').length, 1)

  const begin = events[0].at
  const requests = out.filter(
    (one) => one.type === packet.linkRequest && one.dest === to && one.at >= begin - 5,
  )
  assert.ok(
    requests.length >= at('link_request').length && at('link_request').length > 0,
    'each link request of the log went out',
  )
  for (const said of at('link_request'))
    assert.ok(
      requests.some((one) => Math.abs(one.at - said) < 5000),
      `a link request left near ${said}`,
    )
  for (const said of at('link_up')) {
    const proof = back.find(
      (one) => one.type === packet.proof && one.context === context.linkProof && one.at <= said + 5,
    )
    assert.ok(proof, 'a link is up only after its proof passed')
  }
  const delivered = at('delivered')[0]
  const parts = out.filter(
    (one) => one.context === context.resource && one.at >= begin && one.at <= delivered,
  )
  assert.ok(
    parts.reduce((sum, one) => sum + one.size, 0) >= size,
    'the wire carried at least the bytes of the file before it was delivered',
  )
  const proofs = back.filter(
    (one) => one.type === packet.proof && one.context === context.resourceProof && one.at >= begin,
  )
  const last = proofs.at(-1)
  assert.ok(last, 'a proof of the resource passed')
  assert.ok(last.at <= delivered + 5, 'delivered is said after the proof passed')
  assert.equal(
    out.filter((one) => one.context === context.resource && one.at > delivered + 1000).length,
    0,
    'nothing is sent after it was delivered',
  )
}

/** @typedef {{ from: import('./lab/node.mjs').Node, to: import('./lab/node.mjs').Node, fromPage: import('playwright-core').Page, toPage: import('playwright-core').Page }} Way */

/**
 * @param {string} text @param {Way} way @param {import('./lab/node.mjs').Node} victim @param {boolean} toTarget
 */
async function transfer(text, { from, to, fromPage, toPage }, victim, toTarget) {
  const file = noise(size, text)
  const picture = photo(180, 120, text)
  const before = (await to.messages(from.address)).length
  const id = await sendFiles(fromPage, text, [
    { name: 'notes.bin', mimeType: 'application/octet-stream', buffer: file },
    { name: 'view.png', mimeType: 'image/png', buffer: picture },
  ])
  await underWay(fromPage, id, 15)
  await victim.stop('SIGKILL')
  await victim.start()
  await until('the program is up again', async () => (await victim.call('GET', '/network')).interfaces.up > 0)
  await from.delivery(id, 'delivered', 120_000)
  await fromPage.locator(`[data-message="${id}"] [data-state=delivered]`).waitFor()

  await toPage.locator(`[data-message="${id}"]`).waitFor()
  for (const page of [fromPage, toPage])
    assert.equal(await page.locator('[data-message]', { hasText: text }).count(), 1, 'one bubble')
  assert.equal((await to.messages(from.address)).length, before + 1, 'one message stored')
  assert.equal(digest(await download(toPage, id, 'notes.bin')), digest(file))
  assert.equal(digest(await shownPhoto(toPage, id)), digest(picture))
  checkLog(await from.events(id), pair.wire.frames(), to.address, toTarget)
  return id
}

test('a file and a photo arrive though the sender was killed on the way', async () => {
  const { one: ada, two: ben } = pair
  const id = await transfer(
    'From Ada to Ben',
    { from: ada, to: ben, fromPage: adaPage, toPage: benPage },
    ada,
    false,
  )
  const kinds = (await ada.events(id)).map((event) => event.kind)
  assert.ok(kinds.includes('resumed'), kinds.join(' '))
})

test('a file and a photo arrive though the receiver was killed on the way', async () => {
  const { one: ada, two: ben } = pair
  await transfer('From Ben to Ada', { from: ben, to: ada, fromPage: benPage, toPage: adaPage }, ada, true)
})

test('a file and a photo arrive though the medium was cut on the way', async () => {
  const { one: ada, two: ben, wire } = pair
  const file = noise(1_500_000, 'cut')
  const id = await sendFiles(benPage, 'Over a broken wire', [
    { name: 'cut.bin', mimeType: 'application/octet-stream', buffer: file },
  ])
  await underWay(benPage, id, 10)
  await wire.cut()
  await until(
    'the loss of the interface is seen',
    async () => (await ben.call('GET', '/network')).interfaces.up === 0,
  )
  await wire.mend()
  await ben.delivery(id, 'delivered', 120_000)
  await adaPage.locator(`[data-message="${id}"]`).waitFor()
  assert.equal(digest(await download(adaPage, id, 'cut.bin')), digest(file))
  const states = (await shownStates(benPage, id)).map((one) => one.state)
  assert.equal(states.at(-1), 'delivered')
  assert.equal((await ada.messages(ben.address)).filter((one) => one.id === id).length, 1)
})
