// A running program of its own: temporary directories, a port that stays over restarts, sessions for browsers and for
// the test itself.
// @ts-check
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { request } from 'playwright-core'

const root = fileURLToPath(new URL('../../../', import.meta.url))
export const program = process.env['MESHCHATX_BIN'] ?? join(root, 'bin/meshchatx')
/** How long a condition may take to come true on a busy machine. */
export const patience = 60_000

/** @param {number} port @returns {Promise<boolean>} */
const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** A port nobody listens on, below those the system gives to outgoing connections: none of them can take it meanwhile. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
}

/**
 * Asks again and again until the answer is neither false nor empty.
 * @template T
 * @param {string} what @param {() => Promise<T | null | undefined | false> | T | null | undefined | false} ask
 * @param {number} [within] @returns {Promise<T>}
 */
export async function until(what, ask, within = patience) {
  const end = Date.now() + within
  let problem = /** @type {unknown} */ (undefined)
  for (;;) {
    try {
      const answer = await ask()
      if (answer) return answer
    } catch (error) {
      problem = error
    }
    if (Date.now() > end)
      throw new Error(`${what}: not within ${within / 1000} s${problem ? ` (${problem})` : ''}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Waits for the end of a process of ours. @param {import('node:child_process').ChildProcess} child */
export const ended = (child) =>
  new Promise((resolve) =>
    child.exitCode !== null || child.signalCode !== null
      ? resolve(undefined)
      : child.once('exit', () => resolve(undefined)),
  )

export class Node {
  /** @param {string} name */
  constructor(name) {
    this.name = name
    this.dir = mkdtempSync(join(tmpdir(), `mcx-e2e-${name}-`))
    this.storage = join(this.dir, 'storage')
    this.reticulum = join(this.dir, 'reticulum')
    this.log = ''
    this.port = 0
    /** @type {import('node:child_process').ChildProcess | undefined} */
    this.child = undefined
    /** @type {import('playwright-core').APIRequestContext | undefined} */
    this.http = undefined
    this.second = ''
    this.identity = ''
    this.address = ''
  }

  /**
   * Writes the Reticulum configuration. Nothing is found by itself, so that tests stay apart.
   * @param {string} interfaces @param {boolean} [transport]
   */
  configure(interfaces = '', transport = false) {
    mkdirSync(this.reticulum, { recursive: true })
    writeFileSync(
      join(this.reticulum, 'config'),
      `[reticulum]\n  enable_transport = ${transport ? 'Yes' : 'No'}\n  share_instance = No\n\n[interfaces]\n${interfaces}`,
    )
    return this
  }

  async start() {
    this.port ||= await freePort()
    const child = spawn(
      program,
      [
        'serve',
        '--port',
        String(this.port),
        '--storage-dir',
        this.storage,
        '--reticulum-config-dir',
        this.reticulum,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    this.child = child
    child.stderr?.on('data', (data) => (this.log += data))
    this.url = await /** @type {Promise<string>} */ (
      new Promise((resolve, reject) => {
        const lines = createInterface({ input: /** @type {any} */ (child.stdout) })
        lines.on('line', (line) => {
          const found = /https:\/\/\S+#token=\S+/.exec(line)
          if (found) resolve(found[0])
        })
        child.once('exit', (code) => reject(new Error(`${this.name} ended with ${code}: ${this.log}`)))
      })
    )
    if (!this.http) await this.signIn()
    return this
  }

  get origin() {
    return `https://127.0.0.1:${this.port}`
  }

  /** An address that signs a browser in, once. */
  startURL() {
    return execFileSync(program, ['open', '--storage-dir', this.storage], { encoding: 'utf8' }).trim()
  }

  async signIn() {
    this.http = await request.newContext({
      ignoreHTTPSErrors: true,
      baseURL: this.origin,
      extraHTTPHeaders: { Origin: this.origin },
    })
    const token = this.startURL().split('#token=')[1]
    const session = await this.call('POST', '/session', { token })
    this.second = session.second_token
    const me = await until(`identity of ${this.name}`, async () => {
      const { items } = await this.call('GET', '/identities')
      return items.find((/** @type {any} */ one) => one.online)
    })
    this.identity = me.hash
    this.address = me.address
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async call(method, path, body) {
    if (!this.http) throw new Error('not signed in')
    const answer = await this.http.fetch(`/api/v1${path}`, {
      method,
      ...(body === undefined ? {} : { data: body }),
      headers: { ...(this.second ? { 'X-Second-Token': this.second } : {}) },
    })
    const text = await answer.text()
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  /** A call below the identity. @param {string} method @param {string} path @param {unknown} [body] */
  mine(method, path, body) {
    return this.call(method, `/identities/${this.identity}${path}`, body)
  }

  /** Sends by the API, for what is not the subject of a test. @param {string} peer @param {string} content @param {object} [more] */
  async send(peer, content, more = {}) {
    const { id } = await this.mine('POST', '/messages', { peer, content, ...more })
    return /** @type {string} */ (id)
  }

  /** @param {string} peer @returns {Promise<any[]>} */
  async messages(peer) {
    return (await this.mine('GET', `/conversations/${peer}/messages?limit=200`)).items
  }

  /** @param {string} id @param {string} state @param {number} [within] */
  delivery(id, state, within) {
    return until(
      `${state} of a message of ${this.name}`,
      async () => {
        const { delivery } = await this.mine('GET', `/messages/${id}`)
        return delivery.state === state && delivery
      },
      within,
    )
  }

  /** @param {string} id @returns {Promise<any[]>} */
  async events(id) {
    return (await this.mine('GET', `/messages/${id}/events`)).items
  }

  /** Waits until the announce of a peer was heard and a path is known. @param {Node} peer */
  async hears(peer) {
    let asked = 0
    await until(`${this.name} hears ${peer.name}`, async () => {
      const person = await this.mine('GET', `/people/${peer.address}`)
      if (person.heard && person.route.state === 'path') return true
      if (Date.now() - asked > 3000) {
        asked = Date.now()
        await peer.mine('POST', '/announce')
      }
      return false
    })
  }

  /** @param {NodeJS.Signals} [signal] */
  async stop(signal = 'SIGTERM') {
    if (!this.child) return
    const child = this.child
    this.child = undefined
    child.kill(signal)
    await ended(child)
  }

  async dispose() {
    await this.http?.dispose()
    await this.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** @param {number} port @param {string} [name] */
export const tcpServer = (port, name = 'Listener') =>
  `  [[${name}]]\n    type = TCPServerInterface\n    enabled = yes\n    listen_ip = 127.0.0.1\n    listen_port = ${port}\n`
/** @param {number} port @param {string} [name] */
export const tcpClient = (port, name = 'Hub') =>
  `  [[${name}]]\n    type = TCPClientInterface\n    enabled = yes\n    target_host = 127.0.0.1\n    target_port = ${port}\n`
