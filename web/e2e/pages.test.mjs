// Every page: accessible, in both themes, wide and narrow; nothing asked of any other place.
// @ts-check
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { go } from './lab/browser.mjs'
import { chat, Lab } from './lab/lab.mjs'
import { photo } from './lab/samples.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const lab = new Lab()
/** @type {Awaited<ReturnType<Lab['pair']>>} */ let pair
/** @type {{ name: string, path: string }[]} */ let routes

before(async () => {
  pair = await lab.pair()
  const { one: ada, two: ben } = pair
  await ben.mine('POST', '/contacts', { address: ada.address, name: 'Ada' })
  await ada.mine('POST', '/contacts', { address: ben.address, name: 'Ben' })
  await ben.send('0123456789abcdef0123456789abcdef', 'To somebody who is not there')
  await ben.mine('PUT', '/blocked/00112233445566778899aabbccddeeff')
  const upload = await ada.http?.fetch(
    `/api/v1/identities/${ada.identity}/uploads?name=view.png&type=image/png&kind=auto`,
    {
      method: 'POST',
      data: photo(120, 80, 'page'),
      headers: { 'X-Second-Token': ada.second, 'Content-Type': 'application/octet-stream' },
    },
  )
  const { id } = await upload?.json()
  await ada.delivery(await ada.send(ben.address, 'A view', { attachments: [id] }), 'delivered')
  await ben.delivery(await ben.send(ada.address, 'What a view! https://example.org'), 'delivered')
  const me = `/i/${ben.identity}`
  routes = [
    { name: 'welcome', path: '/welcome' },
    { name: 'chats', path: chat(ben) },
    { name: 'chat', path: chat(ben, ada) },
    { name: 'chat not delivered', path: chat(ben, '0123456789abcdef0123456789abcdef') },
    { name: 'chat blocked', path: chat(ben, '00112233445566778899aabbccddeeff') },
    { name: 'search', path: `${me}/search?q=view` },
    { name: 'contacts', path: `${me}/people` },
    { name: 'heard', path: `${me}/people/heard` },
    { name: 'blocked', path: `${me}/people/blocked` },
    { name: 'person', path: `${me}/people/${ada.address}` },
    { name: 'network', path: '/network' },
    { name: 'interfaces', path: '/network/interfaces' },
    { name: 'interface types', path: '/network/interfaces/new' },
    { name: 'interface form', path: '/network/interfaces/new/TCPClientInterface' },
    { name: 'interface edit', path: '/network/interfaces/edit/Hub' },
    { name: 'paths', path: '/network/paths' },
    { name: 'propagation', path: '/network/propagation' },
    { name: 'settings', path: '/settings' },
    { name: 'identity settings', path: `${me}/settings` },
    { name: 'identities', path: '/identities' },
    { name: 'missing', path: '/nowhere' },
  ]
})
after(() => lab.close())

/** Facts of a page that axe does not know. Runs in the page. */
function structure() {
  const problems = /** @type {string[]} */ ([])
  const shown = (/** @type {Element} */ element) => element.getClientRects().length > 0
  const count = (/** @type {string} */ selector) =>
    [...document.querySelectorAll(selector)].filter(shown).length
  if (count('main') !== 1) problems.push(`${count('main')} main landmarks`)
  if (count('h1') !== 1) problems.push(`${count('h1')} h1 headings`)
  for (const nav of document.querySelectorAll('nav'))
    if (!nav.getAttribute('aria-label')) problems.push('a nav without a name')
  for (const button of document.querySelectorAll('button')) {
    const name = button.getAttribute('aria-label') ?? button.textContent ?? ''
    if (
      name.trim() === '' &&
      !button.getAttribute('aria-labelledby') &&
      !document.querySelector(`label[for="${button.id}"]`)
    )
      problems.push(`a button without a name: ${button.outerHTML.slice(0, 80)}`)
  }
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim())
    if (own && shown(element) && parseFloat(getComputedStyle(element).fontSize) < 12)
      problems.push(`text below 12 px: ${element.textContent?.trim().slice(0, 30)}`)
  }
  if (document.documentElement.scrollWidth > innerWidth) problems.push('scrolls sideways')
  const least = matchMedia('(pointer: coarse)').matches ? 43.5 : 27.5
  for (const element of document.querySelectorAll(
    'button, select, [role=button], input:not([type=checkbox]), textarea',
  )) {
    const box = element.getBoundingClientRect()
    if (box.width < 2 || box.height < 2 || element.matches('.sr-only, .sr-only *, [hidden]')) continue
    if (
      getComputedStyle(element).opacity === '0' ||
      element.closest('[aria-hidden=true]') ||
      element.closest('p')
    )
      continue
    // An invisible area may widen what is drawn smaller.
    const area = getComputedStyle(element, '::after')
    const reach = area.content !== 'none' && area.position === 'absolute' ? parseFloat(area.height) : 0
    if (Math.max(box.height, reach || 0) < least)
      problems.push(
        `target of ${Math.round(box.width)} × ${Math.round(box.height)}: ${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}`,
      )
  }
  return [...new Set(problems)]
}

/** @param {import('playwright-core').Page} page */
async function violations(page) {
  await page.evaluate(axe)
  const found = await page.evaluate(
    (wanted) =>
      /** @type {any} */ (window).axe.run(document, { runOnly: wanted, resultTypes: ['violations'] }),
    tags,
  )
  return found.violations.map(
    (/** @type {any} */ one) =>
      `${one.id}: ${one.nodes
        .slice(0, 3)
        .map((/** @type {any} */ node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`)
        .join(' | ')}`,
  )
}

for (const width of [360, 1280])
  for (const scheme of /** @type {const} */ (['light', 'dark']))
    test(`criteria 25, 26 and 29: every page at ${width} px, ${scheme}, is accessible`, async () => {
      const page = await lab.page(pair.two, { width, scheme })
      const problems = []
      for (const route of routes) {
        await go(page, pair.two, route.path)
        for (const one of [...(await violations(page)), ...(await page.evaluate(structure))])
          problems.push(`${route.name}: ${one}`)
      }
      await page.context().close()
      assert.deepEqual(problems, [])
    })

test('criterion 28: no page scrolls sideways at 320 px', async () => {
  const page = await lab.page(pair.two, { width: 320 })
  const wide = []
  for (const route of routes) {
    await go(page, pair.two, route.path)
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    if (over > 0) wide.push(`${route.name}: ${over} px too wide`)
  }
  await page.context().close()
  assert.deepEqual(wide, [])
})

test('criterion 40: no page asks another place, complains, or is allowed to', async () => {
  const { two: ben } = pair
  const page = await lab.page(ben)
  const answer = await page.goto(ben.origin + chat(ben))
  assert.match(answer?.headers()['content-security-policy'] ?? '', /default-src '(none|self)'/)
  for (const route of routes) await go(page, ben, route.path)
  const own = new RegExp(`^(https|wss)://127\\.0\\.0\\.1:${ben.port}/`)
  assert.deepEqual(
    page.requests.filter((url) => !own.test(url) && !/^(blob|data):/.test(url)),
    [],
  )
  assert.deepEqual(page.complaints, [])
  const refused = await page.evaluate(() =>
    fetch('https://127.0.0.1:1/elsewhere').then(
      () => 'went out',
      () => 'refused',
    ),
  )
  assert.equal(refused, 'refused')
  assert.ok(
    page.complaints.some((one) => /Content Security Policy/.test(one)),
    'it is the policy that refuses',
  )
  await page.context().close()
})
