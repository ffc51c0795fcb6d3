// From a fresh start to words on the other person's screen: two programs over TCP, two browsers.
// @ts-check
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { messageWith, shownStates, write } from './lab/browser.mjs'
import { chat, Lab } from './lab/lab.mjs'
import { freePort, until } from './lab/node.mjs'

const lab = new Lab()
/** @type {import('./lab/node.mjs').Node} */ let ada
/** @type {import('./lab/node.mjs').Node} */ let ben
/** @type {import('./lab/wire.mjs').Wire} */ let wire
/** @type {Awaited<ReturnType<Lab['page']>>} */ let adaPage
/** @type {Awaited<ReturnType<Lab['page']>>} */ let benPage
let started = 0

before(async () => {
  started = Date.now()
  ada = await lab.node('Ada')
  ben = await lab.node('Ben')
  adaPage = await lab.page(ada)
  benPage = await lab.page(ben)
})
after(() => lab.close())

/** @param {import('playwright-core').Page} page @param {string} name @param {string} network */
async function welcome(page, name, network) {
  await page.waitForURL(/\/welcome$/)
  await page.getByRole('textbox', { name: 'Display name' }).fill(name)
  await page.getByText('Saved', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Paste address' }).click()
  await page.getByRole('textbox', { name: 'Configuration or address' }).fill(network)
  await page.getByRole('button', { name: 'Add 1 interface' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

test('names and networks are chosen on the welcome page, and each hears the other', async () => {
  const port = await freePort()
  wire = await lab.wire(port)
  await welcome(
    adaPage,
    'Ada Lovelace',
    `[[Listener]]\n  type = TCPServerInterface\n  listen_ip = 127.0.0.1\n  listen_port = ${port}\n`,
  )
  await welcome(benPage, 'Ben Nevis', `127.0.0.1:${wire.port}`)
  for (const [page, name] of /** @type {const} */ ([
    [adaPage, 'Ben Nevis'],
    [benPage, 'Ada Lovelace'],
  ])) {
    await page.getByText('Our announce was sent').waitFor()
    await page.getByRole('button', { name: 'Find people' }).click()
    await page.getByRole('table', { name: 'Heard' }).getByText(name, { exact: true }).waitFor()
  }
})

test('a message goes from one screen to the other and back', async () => {
  await benPage.getByRole('table', { name: 'Heard' }).getByText('Ada Lovelace', { exact: true }).click()
  await benPage.getByRole('link', { name: 'Message', exact: true }).click()
  await write(benPage, 'Hello from the ridge')
  const id = await messageWith(benPage, 'Hello from the ridge')
  await benPage.locator(`[data-message="${id}"] [data-state=delivered]`).waitFor()

  await adaPage.getByRole('link', { name: /^Chats/ }).click()
  // A stranger's first message is a request.
  await adaPage.getByRole('button', { name: /^Requests/ }).click()
  await adaPage.getByRole('link', { name: /Ben Nevis/ }).click()
  await adaPage.locator('[data-message]', { hasText: 'Hello from the ridge' }).waitFor()
  await write(adaPage, 'And hello back')
  await benPage.locator('[data-message]', { hasText: 'And hello back' }).waitFor()
  await adaPage
    .locator('[data-message]', { hasText: 'And hello back' })
    .locator('[data-state=delivered]')
    .waitFor()
  assert.equal(await benPage.locator('[data-message]').count(), 2)
  assert.equal(await adaPage.locator('[data-message]').count(), 2)
})

const order = ['waiting', 'path', 'connecting', 'sending', 'sent', 'delivered']
const words = {
  waiting: /^Waiting to send/,
  path: /^Looking for a path · try \d/,
  connecting: /^Connecting · direct via /,
  sending: /^Sending \d+\s?%( · \S+ \w+\/s)?( · ~.+)?$/,
  sent: /^Sent, waiting for confirmation/,
  delivered: /^Delivered · /,
}

test('criterion 7: the states of a message are shown in words, in their order', async () => {
  await benPage.goto(ben.origin + chat(ben, ada))
  await benPage.locator('[data-message]').first().waitFor()
  // A slow medium, and nothing known about the way, so that each state lasts long enough to be read.
  await wire.shape({ rate: 1500, delay: 400 })
  await until('links and the path are gone', async () => {
    await ben.call('DELETE', `/paths/${ada.address}`).catch(() => undefined)
    const { items } = await ben.call('GET', '/paths')
    return !items.some((/** @type {any} */ one) => one.destination === ada.address)
  })
  await ben.stop()
  await ada.call('DELETE', `/paths/${ben.address}`).catch(() => undefined)
  await ben.start()
  await benPage.reload()
  await until('the interface is up', async () => (await ben.call('GET', '/network')).interfaces.up > 0)
  await ben.call('DELETE', `/paths/${ada.address}`).catch(() => undefined)
  const long = `A long letter. ${'All work and some play. '.repeat(9)}`
  const noise = Array.from({ length: 250 }, (_, i) => ((i * 7919 * 104729) % 99991).toString(36)).join(' ')
  await write(benPage, `${long}${noise}`)
  const id = await messageWith(benPage, 'A long letter.')
  await benPage.locator(`[data-message="${id}"] [data-state=delivered]`).waitFor()
  await wire.shape({})
  const shown = await shownStates(benPage, id)
  const states = shown.map((one) => one.state).filter((state, index, all) => state !== all[index - 1])
  const ranks = states.map((state) => order.indexOf(state))
  assert.deepEqual(
    ranks,
    [...ranks].sort((a, b) => a - b),
    `order of ${states.join(' → ')}`,
  )
  for (const needed of ['path', 'connecting', 'sending', 'delivered'])
    assert.ok(states.includes(needed), `${needed} in ${states.join(' → ')}`)
  for (const { state, text } of shown)
    assert.match(text, words[/** @type {keyof typeof words} */ (state)], `words of ${state}`)
  const kinds = (await ben.events(id)).map((event) => event.kind)
  assert.equal(kinds[0], 'queued')
  assert.equal(kinds.at(-1), 'delivered')
})

test('nothing was asked of any other place', () => {
  assert.ok(started > 0)
  for (const [page, node] of /** @type {const} */ ([
    [adaPage, ada],
    [benPage, ben],
  ])) {
    const foreign = page.requests.filter(
      (url) => !/^(https|wss):\/\/127\.0\.0\.1:/.test(url) || !url.includes(`:${node.port}/`),
    )
    assert.deepEqual(
      foreign.filter((url) => !url.startsWith('blob:') && !url.startsWith('data:')),
      [],
    )
  }
})
