// Starts the demonstration of the built binary, whose people and conversations the pages are looked at with.
// @ts-check
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const binary = process.env['MESHCHATX'] ?? fileURLToPath(new URL('../../bin/meshchatx', import.meta.url))

/**
 * @typedef {{ hash: string, display_name: string, address: string }} Identity
 * @typedef {{ peer: string, name: string }} Conversation
 * @typedef {{ base: string, url: string, stop: () => Promise<unknown> }} Demo
 * @param {string[]} [args] @returns {Promise<Demo>}
 */
export async function startDemo(args = ['--still', '--fast']) {
  const child = spawn(binary, ['demo', '--open-url', '--port', '0', '--no-https', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'] },
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const lines = createInterface({ input: child.stdout })
  const url = await new Promise((resolve, reject) => {
    lines.once('line', resolve)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the demonstration ended with ${code}`)))
  })
  return {
    base: new URL(url).origin,
    url,
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
  }
}

/**
 * What the demonstration shows, asked through a page that is signed in.
 * @param {import('playwright-core').Page} page
 */
export async function look(page) {
  return page.evaluate(async () => {
    /** @param {string} path */
    const get = async (path) => (await (await fetch(`/api/v1${path}`)).json()).items
    const identities = /** @type {Identity[]} */ (await get('/identities'))
    const me = identities[0]?.hash ?? ''
    const all = /** @type {Conversation[]} */ (await get(`/identities/${me}/conversations?limit=100`))
    const requests = /** @type {Conversation[]} */ (
      await get(`/identities/${me}/conversations?filter=requests`)
    )
    return { me, all, requests }
  })
}
