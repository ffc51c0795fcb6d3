// A message for somebody who is away: left in a propagation node, fetched when they are back. One program hosts the node
// and is the only way between the two others.
// @ts-check
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { chat, Lab } from './lab/lab.mjs'
import { freePort, tcpClient, tcpServer, until } from './lab/node.mjs'
import { go } from './lab/browser.mjs'

const lab = new Lab()
/** @type {Record<string, import('./lab/node.mjs').Node>} */
const people = {}

before(async () => {
  const port = await freePort()
  people.host = await lab.node('Host', tcpServer(port), true)
  people.ada = await lab.node('Ada', tcpClient(port))
  people.ben = await lab.node('Ben', tcpClient(port))
  for (const node of Object.values(people)) {
    await node.call('PATCH', `/identities/${node.identity}`, { display_name: node.name })
    await node.call('PATCH', '/setup', { done: true })
  }
  await people.ada.hears(people.ben)
  await people.ben.hears(people.ada)
})
after(() => lab.close())

test('a node is hosted by one switch, and chosen by those who hear it', async () => {
  const { host, ada, ben } = people
  const page = await lab.page(host)
  await go(page, host, '/network/propagation')
  await page.getByRole('switch', { name: 'Be a propagation node' }).click()
  await page.getByText('On', { exact: true }).waitFor()
  await page.context().close()
  const { address } = await until('the node runs', async () => {
    const found = await host.call('GET', '/propagation/host')
    return found.state === 'on' && found
  })
  for (const one of [ada, ben])
    await until(`${one.name} uses the node`, async () => {
      const { choice } = await one.mine('GET', '/propagation')
      return choice.address === address && choice.reason === 'only'
    })
})

test('criterion 8: a message to somebody away waits in the node, and arrives when they fetch', async () => {
  const { host, ada, ben } = people
  await ben.stop()
  const page = await lab.page(ada)
  await go(page, ada, chat(ada, ben))
  await page.getByRole('textbox', { name: /^Message to/ }).fill('For when you are back')
  await page.getByRole('button', { name: 'More ways to send' }).click()
  await page.getByRole('menuitem', { name: 'Send via propagation node' }).click()
  await page
    .getByText(/^In propagation node/)
    .first()
    .waitFor({ timeout: 60_000 })
  assert.equal(await page.getByText(/^Delivered/).count(), 0)
  await page.context().close()
  await until('the node keeps it', async () => (await host.call('GET', '/propagation/host')).messages === 1)

  await ben.start()
  const there = await lab.page(ben)
  await go(there, ben, chat(ben))
  await there.getByRole('button', { name: 'Fetch messages now' }).click()
  await there.getByText('1 new message').waitFor({ timeout: 60_000 })
  await go(there, ben, chat(ben, ada))
  await there.getByText('For when you are back').first().waitFor()
  await there.context().close()
  await until(
    'the node let go of it',
    async () => (await host.call('GET', '/propagation/host')).messages === 0,
  )
  const [sent] = (await ada.messages(ben.address)).filter((one) => one.delivery)
  assert.equal(sent.delivery.state, 'propagated', 'that it was fetched is not told')
})
