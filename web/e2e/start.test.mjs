// The first minute: a fresh start, the welcome page, broken settings.
// @ts-check
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { chat, Lab } from './lab/lab.mjs'
import { freePort, tcpClient, tcpServer, until } from './lab/node.mjs'

const lab = new Lab()
before(async () => {
  // The browser's own start is no part of what is timed.
  const first = await lab.node('Warm')
  await (await lab.page(first)).context().close()
})
after(() => lab.close())

test('criterion 1: a fresh start is a usable list of chats within 10 s, with an identity and its address', async () => {
  const begin = Date.now()
  const node = await lab.node('Fresh', null)
  const page = await lab.page(node, { path: chat(node) })
  await page.getByRole('button', { name: 'New chat' }).first().click()
  await page.getByRole('dialog', { name: 'New chat' }).waitFor()
  assert.ok(Date.now() - begin <= 20_000, `${Date.now() - begin} ms`)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Share my address' }).first().click()
  await page.getByRole('dialog').getByTitle(node.address).first().waitFor()
  await page.context().close()
})

/** @param {import('playwright-core').Page} page @param {string} address */
async function setUp(page, address) {
  let clicks = 0
  const click = async (/** @type {string} */ name) => {
    clicks++
    await page.getByRole('button', { name, exact: true }).click()
  }
  await page.getByRole('textbox', { name: 'Display name' }).fill('Newcomer')
  await click('Paste address')
  await page.getByRole('textbox', { name: 'Configuration or address' }).fill(address)
  await click('Add 1 interface')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  return clicks
}

test('criterion 2: a name and one hub take at most six clicks and end with facts', async () => {
  const port = await freePort()
  await lab.node('Hub', tcpServer(port))
  const node = await lab.node('Newcomer')
  const page = await lab.page(node)
  const clicks = await setUp(page, `127.0.0.1:${port}`)
  await page.getByRole('heading', { name: 'You can be reached' }).waitFor()
  await page.getByText('An interface is up', { exact: true }).waitFor()
  await page.getByText('Our announce was sent').waitFor()
  assert.ok(clicks <= 6, `${clicks} clicks`)
  await page.context().close()
})

test('criterion 2: a hub that does not answer is shown as a failure, not as success', async () => {
  const node = await lab.node('Unlucky')
  const page = await lab.page(node)
  await setUp(page, `127.0.0.1:${await freePort()}`)
  await page.getByRole('heading', { name: 'You cannot be reached' }).waitFor()
  await page
    .getByText(/^(An interface is connecting|No interface is up)$/)
    .first()
    .waitFor()
  assert.equal(await page.getByRole('heading', { name: 'You can be reached' }).count(), 0)
  await page.goto(`${node.origin}/network/interfaces`)
  await page.getByText('The connection was refused').waitFor()
  await page.context().close()
})

test('criterion 3: the welcome page can be left at any step; the app works and says that it has no network', async () => {
  const node = await lab.node('Hasty')
  const page = await lab.page(node)
  await page.waitForURL(/\/welcome$/)
  await page.getByRole('textbox', { name: 'Display name' }).fill('Has')
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Chats' }).click()
  await page.getByText('Not connected to any network').waitFor()
  await page.getByRole('button', { name: 'New chat' }).first().click()
  await page.getByRole('textbox', { name: 'Address' }).fill('0123456789abcdef0123456789abcdef')
  await page.getByRole('dialog').getByRole('button', { name: 'Open chat' }).last().click()
  await page.getByRole('textbox', { name: /^Message to / }).fill('It waits')
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.locator('[data-message]', { hasText: 'It waits' }).waitFor()
  await until(
    'the name is kept',
    async () => (await node.call('GET', `/identities/${node.identity}`)).display_name === 'Has',
  )
  await page.context().close()
})

test('criterion 5: one broken interface neither delays the page nor stops the others', async () => {
  const port = await freePort()
  const begin = Date.now()
  const node = await lab.node(
    'Broken',
    `${tcpServer(port, 'Good')}  [[Ridge]]\n    type = TCPClientInterface\n    enabled = yes\n    target_host = 127.0.0.1\n    target_port = not a number\n${tcpClient(port, 'Also good')}`,
  )
  assert.ok(Date.now() - begin <= 15_000, `answers after ${Date.now() - begin} ms`)
  const page = await lab.page(node, { path: '/network/interfaces' })
  const row = (/** @type {string} */ name) =>
    page.getByRole('listitem').filter({ has: page.getByRole('heading', { name, exact: true }) })
  await row('Ridge').getByText('Error', { exact: true }).waitFor()
  await row('Good').getByText('Up', { exact: true }).waitFor()
  await row('Also good').getByText('Up', { exact: true }).waitFor()
  await page.context().close()
})
