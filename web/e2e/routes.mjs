// @ts-check
import { me, messages, peerOf } from './fixtures.mjs'

const chat = `/i/${me}/chats/${peerOf(0)}`
const why = messages.find((one) => one.delivery?.state === 'failed')

/** @typedef {{ name: string, path: string, act?: (page: import('playwright-core').Page) => Promise<unknown> }} Shot */

/** Every page, and the states of it worth looking at. @type {Shot[]} */
export const shots = [
  { name: 'chats', path: `/i/${me}/chats` },
  { name: 'chat', path: chat },
  {
    name: 'chat-start',
    path: chat,
    act: (page) => page.evaluate(() => document.querySelector('[role=log]')?.scrollTo(0, 0)),
  },
  {
    name: 'chat-why',
    path: chat,
    act: (page) => page.locator(`[data-message="${why?.id}"] [data-state]`).click(),
  },
  {
    name: 'chat-menu',
    path: chat,
    act: async (page) => {
      await page.locator('[data-message]').last().hover()
      await page.locator('[data-message] [data-menu]').last().click()
    },
  },
  { name: 'chat-request', path: `/i/${me}/chats/${peerOf(6)}` },
  { name: 'chat-empty', path: `/i/${me}/chats/${peerOf(13)}` },
  { name: 'chat-draft', path: `/i/${me}/chats/${peerOf(2)}` },
  {
    name: 'chat-find',
    path: chat,
    act: async (page) => {
      await page.keyboard.press('Control+f')
      await page.keyboard.type('station')
    },
  },
  { name: 'search', path: `/i/${me}/search?q=ridge` },
  { name: 'welcome', path: '/welcome' },
  { name: 'people-contacts', path: `/i/${me}/people` },
  { name: 'people-heard', path: `/i/${me}/people/heard` },
  { name: 'people-blocked', path: `/i/${me}/people/blocked` },
  { name: 'person', path: `/i/${me}/people/${peerOf(0)}` },
  { name: 'network', path: '/network' },
  { name: 'interfaces', path: '/network/interfaces' },
  { name: 'interface-new', path: '/network/interfaces/new' },
  {
    name: 'interface-tcp',
    path: '/network/interfaces/new/TCPClientInterface',
    act: async (page) => {
      await page.getByRole('button', { name: 'Test', exact: true }).click()
    },
  },
  { name: 'interface-auto', path: '/network/interfaces/new/AutoInterface' },
  { name: 'paths', path: '/network/paths' },
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
