// A stand-in for the program while working on the pages: serves dist and canned answers, and a
// socket that only says hello. Not part of the product.   node e2e/mock.mjs [port]
// @ts-check
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as data from './fixtures.mjs'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}
const csp =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'"

/** @typedef {{ path: string[], query: URLSearchParams, method: string, body: any }} Call */

/** @type {import('../src/api/schema.gen').components['schemas']['SessionView']} */
const session = {
  id: 's1',
  current: true,
  created_at: data.now - 1e7,
  seen_at: data.now - 5000,
  expires_at: data.now + 1e9,
  address: '127.0.0.1',
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0',
}
let draft = { text: '', title: '', reply_to: '', attachments: [], version: 0 }

/** @param {Call} call */
function person({ path }) {
  const address = path[3] ?? ''
  const one = data.heard.find((heard) => heard.address === address)
  const contact = data.contacts.find((known) => known.address === address)
  return {
    address,
    name: contact?.name || one?.name || '',
    blocked: false,
    own: false,
    route: data.route,
    others: data.heard.slice(30, 32),
    ...(one ? { heard: one, identity: one.identity } : {}),
    ...(contact ? { contact } : {}),
  }
}

/** @param {Call} call */
function conversationList({ query }) {
  const show = query.get('filter') ?? 'all'
  const q = (query.get('q') ?? '').toLowerCase()
  const items = data.conversations.filter(
    (one) =>
      (show === 'all'
        ? true
        : show === 'unread'
          ? one.unread > 0
          : show === 'requests'
            ? one.request
            : show === 'failed'
              ? one.failed > 0
              : one.archived) && one.name.toLowerCase().includes(q),
  )
  return { items: empty ? [] : items, counts: { messages: 6, unread: 3, failed: 2, requests: 1 } }
}

let empty = false

/** @param {Call} call */
function messagePage({ path, query }) {
  const own = path[3] === data.peerOf(0) ? data.messages : data.messages.slice(0, 3)
  const mine = path[3] === data.peerOf(13) ? [] : own
  const before = query.get('before')
  const after = query.get('after')
  const items = before ? [] : after ? mine.slice(mine.findIndex((one) => one.id === after) + 1) : mine
  return {
    items,
    has_before: false,
    has_after: false,
    total: mine.length,
    before: 0,
    ...(path[3] === data.peerOf(0) ? { first_unread: mine.find((one) => one.unread)?.id } : {}),
  }
}

/** @param {Call} call */
function underIdentity(call) {
  const [, , kind, peer, what, more] = call.path
  if (kind === undefined) return data.identities[0]
  if (kind === 'conversations' && peer === undefined) return conversationList(call)
  if (kind === 'conversations' && what === undefined) {
    const found = data.conversations.find((one) => one.peer === peer) ?? {
      ...data.conversations[1],
      peer,
      name: '',
      unread: 0,
    }
    return { ...found, route: data.route }
  }
  if (kind === 'conversations' && what === 'messages') return messagePage(call)
  if (kind === 'conversations' && what === 'draft') {
    if (call.method === 'PUT') draft = { ...draft, ...call.body, attachments: [], version: draft.version + 1 }
    return peer === data.peerOf(2) ? { ...draft, text: 'Could you also send me the ', version: 1 } : draft
  }
  if (kind === 'conversations' && what === 'retry') return { retried: 2, skipped: 0 }
  if (kind === 'messages' && peer === undefined) return { id: data.hex(1, 64), peer: data.peerOf(0), seq: 1 }
  if (kind === 'messages' && what === 'diagnosis') return data.diagnosis(peer ?? '')
  if (kind === 'messages') return data.messages.find((one) => one.id === peer)
  if (kind === 'people' && peer === undefined) {
    const counts = { all: 0, person: 0, propagation: 0, page: 0, phone: 0, other: 0 }
    for (const one of data.heard) (counts[one.kind]++, counts.all++)
    const show = call.query.get('kind') ?? 'all'
    return {
      items: data.heard.filter((one) => show === 'all' || one.kind === show).slice(0, 200),
      counts,
      next_cursor: '',
    }
  }
  if (kind === 'people') return person(call)
  if (kind === 'contacts') return { items: data.contacts, total: data.contacts.length }
  if (kind === 'blocked')
    return { items: [{ address: data.hex(77, 32), name: 'Spam bot', since: data.now - 1e8 }] }
  if (kind === 'settings') return { items: data.identitySettings }
  if (kind === 'search')
    return {
      items: data.messages
        .filter((one) => one.content)
        .slice(0, 6)
        .map((one) => ({
          message: one,
          name: 'Mira',
          snippet: [
            { text: one.content.slice(0, 6), hit: false },
            { text: one.content.slice(6, 12), hit: true },
            { text: one.content.slice(12, 90), hit: false },
          ],
        })),
    }
  if (kind === 'uploads')
    return {
      id: data.hex(55, 32),
      name: call.query.get('name'),
      kind: 'image',
      mime: 'image/png',
      size: 1000,
      inline: true,
      width: 100,
      height: 100,
      expires_at: data.now + 1e8,
      url: '/mock/image/0.svg',
    }
  return more ?? {}
}

/** @param {Call} call */
function answer(call) {
  const [head, name] = call.path
  switch (head) {
    case 'status':
      return {
        product: 'meshchatx',
        version: '0.1.0',
        api: 1,
        access: 'token',
        instance: 'a1b2',
        ready: true,
        problems: [],
        started_at: data.now - 5 * 3_600_000,
      }
    case 'session':
      return call.method === 'POST' ? { second_token: 'second', session } : session
    case 'sessions':
      return {
        items: [
          session,
          {
            ...session,
            id: 's2',
            current: false,
            address: '192.0.2.4',
            user_agent: 'Mozilla/5.0 (Android 15) Firefox/140.0',
            seen_at: data.now - 9e6,
          },
        ],
      }
    case 'setup':
      return data.setup
    case 'settings':
      return { items: data.serverSettings }
    case 'identities':
      if (name === undefined) return { items: data.identities }
      if (name === 'preview') return { hash: data.hex(8, 32), address: data.hex(9, 32), exists: false }
      return underIdentity(call)
    case 'interfaces':
      if (name === undefined)
        return { items: data.interfaces, changed: false, path: '/home/mira/.reticulum/config' }
      if (name === 'test')
        return {
          ok: true,
          steps: [
            { step: 'settings', state: 'ok' },
            { step: 'name', state: 'ok' },
            { step: 'resolve', state: 'ok', took_ms: 12 },
            { step: 'connect', state: 'ok', took_ms: 48 },
          ],
        }
      return data.interfaces[0]
    case 'network':
      if (name === 'hubs') return { as_of: '2026-10', items: data.hubs }
      if (name === 'devices')
        return {
          items: [
            { name: 'wlan0', addresses: ['192.0.2.10', 'fe80::1'], link_local: true, multicast: true },
            { name: 'eth0', addresses: [], link_local: false, multicast: true },
          ],
        }
      return data.network
    case 'paths':
      return { items: data.paths, total: data.paths.length }
  }
  return undefined
}

/** @param {string} path */
function picture(path) {
  const hue = (path.charCodeAt(12) * 40) % 360
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 1067"><rect width="1600" height="1067" fill="hsl(${hue} 40% 78%)"/><path d="M0 800 400 350l300 330 350-480 550 600v267H0z" fill="hsl(${hue} 25% 45%)"/><path d="M0 1067V900l500-200 500 180 600-140v327z" fill="#f4f7f6"/></svg>`
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://x')
  if (url.pathname.startsWith('/mock/image/'))
    return void response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(picture(url.pathname))
  if (url.pathname.startsWith('/api/v1/')) {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const raw = Buffer.concat(chunks).toString()
    const body = raw.startsWith('{') ? JSON.parse(raw) : undefined
    const found = answer({
      path: url.pathname.slice('/api/v1/'.length).split('/'),
      query: url.searchParams,
      method: request.method ?? 'GET',
      body,
    })
    if (found === undefined)
      return void response
        .writeHead(404, { 'content-type': 'application/problem+json' })
        .end('{"code":"not_found","status":404,"title":"","type":"about:blank"}')
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found))
  }
  const wanted = join(dist, url.pathname)
  const file = extname(url.pathname) && existsSync(wanted) ? wanted : join(dist, 'index.html')
  response.writeHead(200, {
    'content-type': types[/** @type {keyof typeof types} */ (extname(file))] ?? 'application/octet-stream',
    'content-security-policy': csp,
  })
  response.end(readFileSync(file))
})

/** @param {unknown} value */
function frame(value) {
  const text = Buffer.from(JSON.stringify(value))
  return Buffer.concat([
    Buffer.from(text.length < 126 ? [0x81, text.length] : [0x81, 126, text.length >> 8, text.length & 255]),
    text,
  ])
}

server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: meshchatx.v1\r\n\r\n`,
  )
  socket.write(frame({ seq: 1, type: 'hello', ids: {} }))
  socket.on('error', () => undefined)
})

/** @param {number} port @param {{ empty?: boolean }} [options] @returns {Promise<import('node:http').Server>} */
export function startMock(port, options = {}) {
  empty = options.empty ?? false
  return new Promise((resolve) => void server.listen(port, '127.0.0.1', () => resolve(server)))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 4173)
  await startMock(port)
  console.log(`mock: http://127.0.0.1:${port}/#token=any`)
}
