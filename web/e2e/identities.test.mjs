// Two identities in one program, each in a browser of its own: both receive, neither sees the other's.
// @ts-check
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { go, messageWith, write } from './lab/browser.mjs'
import { Lab } from './lab/lab.mjs'
import { until } from './lab/node.mjs'

const lab = new Lab()
/** @type {Awaited<ReturnType<Lab['pair']>>} */ let pair
before(async () => {
  pair = await lab.pair()
})
after(() => lab.close())

test('a second identity is made on the page, receives by itself and is seen by nobody else', async () => {
  const { one: ada, two: ben } = pair
  const first = await lab.page(ada, { path: '/identities' })
  await first.getByRole('button', { name: 'New identity' }).click()
  await first.getByRole('dialog').getByRole('textbox', { name: 'Display name' }).fill('Night Owl')
  await first.getByRole('button', { name: 'Create', exact: true }).click()
  const owl = await until('the second identity is online', async () => {
    const { items } = await ada.call('GET', '/identities')
    return items.find((/** @type {any} */ one) => one.display_name === 'Night Owl' && one.online)
  })
  await until('Ben hears the second identity', async () => {
    const person = await ben.mine('GET', `/people/${owl.address}`)
    if (person.heard && person.route.state === 'path') return true
    await ada.call('POST', `/identities/${owl.hash}/announce`)
    return false
  })

  const second = await lab.page(ada, { path: `/i/${owl.hash}/chats` })
  await go(first, ada, `/i/${ada.identity}/chats`)
  const id = await ben.send(owl.address, 'Only for the owl')
  await ben.delivery(id, 'delivered')
  await second.getByRole('button', { name: /^Requests/ }).click()
  await second.getByRole('link', { name: /Ben/ }).click()
  await second.locator('[data-message]', { hasText: 'Only for the owl' }).waitFor()

  // The first browser has neither the chat nor its words.
  assert.equal((await ada.mine('GET', '/conversations?filter=requests')).items.length, 0)
  await first.reload()
  await first.getByRole('heading', { name: 'Chats' }).waitFor()
  assert.equal(await first.getByText('Only for the owl').count(), 0)
  const foreign = await ada.http?.get(`/api/v1/identities/${ada.identity}/messages/${id}`)
  assert.equal(foreign?.status(), 404)

  // What the owl answers comes from the owl.
  await second.getByRole('button', { name: 'Accept' }).click()
  await write(second, 'Hoot')
  const answer = await messageWith(second, 'Hoot')
  await second.locator(`[data-message="${answer}"] [data-state=delivered]`).waitFor()
  const got = await until('the answer', async () =>
    (await ben.messages(owl.address)).find((one) => one.content === 'Hoot'),
  )
  assert.equal(got.direction, 'in')
  assert.equal((await ben.messages(ada.address)).length, 0)
  await second.getByText(/As Night Owl/).waitFor()
  await first.goto(`${ada.origin}/i/${ada.identity}/chats/${ben.address}`)
  await first.getByText(/As Ada/).waitFor()
  assert.equal(await first.getByText('Hoot').count(), 0)
})
