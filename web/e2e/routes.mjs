// @ts-check

/**
 * @typedef {Awaited<ReturnType<typeof import('./demo.mjs').look>>} World
 * @typedef {{ name: string, path: string, act?: (page: import('playwright-core').Page) => Promise<unknown> }} Shot
 */

/** Every page, and the states of it worth looking at. @param {World} world @returns {Shot[]} */
export function shots({ me, all, requests }) {
  /** @param {string} name */
  const chat = (name) => `/i/${me}/chats/${all.find((one) => one.name === name)?.peer}`
  const mira = all.find((one) => one.name === 'Mira')?.peer
  return [
    { name: 'chats', path: `/i/${me}/chats` },
    { name: 'chats-requests', path: `/i/${me}/chats?show=requests` },
    { name: 'chats-failed', path: `/i/${me}/chats?show=failed` },
    { name: 'chat', path: chat('Mira') },
    {
      name: 'chat-start',
      path: chat('Mira'),
      act: (page) => page.evaluate(() => document.querySelector('[role=log]')?.scrollTo(0, 0)),
    },
    { name: 'chat-states', path: chat('Every state') },
    {
      name: 'chat-why',
      path: chat('Harbour Light'),
      act: (page) => page.locator('[data-state=failed]').last().click(),
    },
    {
      name: 'chat-menu',
      path: chat('Mira'),
      act: async (page) => {
        const touch = await page.evaluate(() => matchMedia('(pointer: coarse)').matches)
        const last = page.locator('[data-message]').last()
        if (touch) return last.dispatchEvent('contextmenu', { button: 2, clientX: 60, clientY: 400 })
        await last.hover()
        await page.locator('[data-message] [data-menu]').last().click()
      },
    },
    {
      name: 'chat-request',
      path: `/i/${me}/chats/${requests.find((one) => one.name === 'Best Offers')?.peer}`,
    },
    { name: 'chat-empty', path: `/i/${me}/chats/${'0123456789abcdef'.repeat(2)}` },
    { name: 'chat-draft', path: chat('Ana & Luis (boat)') },
    { name: 'chat-answer', path: chat('Field team 7') },
    { name: 'chat-rtl', path: chat('יעל') },
    {
      name: 'chat-words',
      path: chat('The very long display name of someone who likes words and more words'),
    },
    {
      name: 'chat-find',
      path: chat('Mira'),
      act: async (page) => {
        await page.keyboard.press('Control+f')
        await page.keyboard.type('hut')
      },
    },
    { name: 'search', path: `/i/${me}/search?q=ridge` },
    { name: 'welcome', path: '/welcome' },
    { name: 'people-contacts', path: `/i/${me}/people` },
    { name: 'people-heard', path: `/i/${me}/people/heard` },
    { name: 'people-blocked', path: `/i/${me}/people/blocked` },
    { name: 'person', path: `/i/${me}/people/${mira}` },
    { name: 'network', path: '/network' },
    { name: 'interfaces', path: '/network/interfaces' },
    { name: 'interface-new', path: '/network/interfaces/new' },
    {
      name: 'interface-tcp',
      path: '/network/interfaces/new/TCPClientInterface',
      act: (page) => page.getByRole('button', { name: 'Test', exact: true }).click(),
    },
    { name: 'interface-auto', path: '/network/interfaces/new/AutoInterface' },
    { name: 'interface-edit', path: '/network/interfaces/edit/Oslo%20Hub' },
    { name: 'paths', path: '/network/paths' },
    { name: 'propagation', path: '/network/propagation' },
    {
      name: 'propagation-host',
      path: '/network/propagation',
      act: (page) => page.getByRole('button', { name: 'Show settings' }).click(),
    },
    { name: 'settings', path: '/settings' },
    { name: 'identity-settings', path: `/i/${me}/settings` },
    { name: 'identities', path: '/identities' },
    {
      name: 'identity-share',
      path: `/i/${me}/chats`,
      act: (page) => page.getByRole('button', { name: 'Share my address' }).first().click(),
    },
    { name: 'missing', path: '/nowhere' },
  ]
}
