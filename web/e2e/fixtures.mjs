// @ts-check
/** Canned answers for the mock server: enough of everything to look at every page. */

/** @typedef {import('../src/api/schema.gen').components['schemas']} Schemas */

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
export const now = Date.now()

/** @param {number} seed @param {number} digits */
export function hex(seed, digits) {
  let state = (seed * 2654435761 + 97) >>> 0
  let out = ''
  while (out.length < digits) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0
    out += state.toString(16).padStart(8, '0')
  }
  return out.slice(0, digits)
}

export const me = hex(1, 32)
export const other = hex(2, 32)

/** @type {Schemas['IdentityView'][]} */
export const identities = [
  {
    hash: me,
    address: hex(11, 32),
    public_key: hex(12, 128),
    display_name: 'Neptune',
    enabled: true,
    online: true,
    unread: 5,
    failed: 2,
    requests: 1,
    order: 0,
    created_at: now - 40 * day,
    announced_at: now - 20 * minute,
    next_announce_at: now + 5 * hour,
  },
  {
    hash: other,
    address: hex(21, 32),
    public_key: hex(22, 128),
    display_name: 'Workshop',
    enabled: true,
    online: true,
    unread: 2,
    failed: 0,
    requests: 0,
    order: 1,
    created_at: now - 4 * day,
    announced_at: now - 3 * hour,
  },
  {
    hash: hex(3, 32),
    address: hex(31, 32),
    public_key: hex(32, 128),
    display_name: '',
    enabled: false,
    online: false,
    unread: 0,
    failed: 0,
    requests: 0,
    order: 2,
    created_at: now - 2 * day,
  },
]

const people = [
  'Mira',
  'Tomas Holm',
  'Ridge Relay',
  'Ana & Luis',
  '小林さくら',
  'Oslo Hackerspace',
  '',
  'Bergen Weather',
  'Kari Nordmann',
  'The very long display name of someone who likes words',
  'יעל',
  'Field team 7',
  'Jonas',
  'Lena Petrova',
]
/** @param {number} index */
export const peerOf = (index) => hex(100 + index, 32)

/** @type {[Schemas['ConversationView']['worst'], string, 'in' | 'out', string | undefined, number, number][]} */
const lasts = [
  ['failed', 'Then I will try the ridge antenna tomorrow.', 'out', 'sending', 3, now - 2 * minute],
  [undefined, 'Battery is at 12.6 V, all good here.', 'in', undefined, 0, now - 25 * minute],
  [undefined, 'Thanks, got it.', 'out', 'delivered', 0, now - 3 * hour],
  ['retry_wait', 'See you on Saturday?', 'out', 'retry_wait', 0, now - 5 * hour],
  [undefined, '写真をありがとう！', 'in', undefined, 2, now - 8 * hour],
  [undefined, 'Meeting moved to 19:00', 'in', undefined, 0, now - day],
  [undefined, 'Hello, is this the address from the poster?', 'in', undefined, 1, now - day - 3 * hour],
  [undefined, '', 'in', undefined, 0, now - 2 * day],
  ['wait_heard', 'Kan du ringe når du er hjemme?', 'out', 'wait_heard', 0, now - 3 * day],
  [undefined, 'ok', 'out', 'delivered', 0, now - 4 * day],
  [undefined, 'שלום', 'in', undefined, 0, now - 9 * day],
  [undefined, 'Log of today attached', 'in', undefined, 0, now - 20 * day],
  ['refused', 'Here is the whole folder', 'out', 'refused', 0, now - 40 * day],
  [undefined, 'До встречи', 'in', undefined, 0, now - 400 * day],
]

/** @type {Schemas['ConversationView'][]} */
export const conversations = lasts.map(([worst, snippet, direction, state, unread, at], index) => ({
  peer: peerOf(index),
  name: people[index] ?? '',
  announced_name: people[index] ?? '',
  archived: false,
  blocked: false,
  contact: index < 4,
  failed: worst === 'failed' || worst === 'refused' ? 2 : 0,
  pending: 0,
  muted: index === 5,
  pinned: index === 0,
  request: index === 6,
  unread,
  last_at: at,
  heard_at: at - 4 * minute,
  hops: (index % 4) + 1,
  ...(worst ? { worst } : {}),
  ...(index === 2 ? { draft: 'Could you also send me the' } : {}),
  last: {
    id: hex(900 + index, 64),
    direction,
    kind: snippet ? 'text' : 'image',
    snippet,
    attachments: snippet ? 0 : 2,
    ...(state ? { state } : {}),
  },
}))

/** @type {Schemas['RouteView']} */
export const route = {
  state: 'path',
  hops: 3,
  interface: 'Hub A',
  bitrate: 3100,
  single_max: 295,
  stamp_cost: 8,
  ticket: false,
  limit: 1_000_000,
  heard_at: now - 4 * minute,
  learned_at: now - 9 * minute,
  expires_at: now + 6 * day,
}

let seq = 0
/** @param {'in'|'out'} direction @param {number} at @param {string} content @param {Partial<Schemas['MessageView']>} [more] @returns {Schemas['MessageView']} */
export function message(direction, at, content, more = {}) {
  seq++
  return {
    id: hex(5000 + seq, 64),
    seq,
    peer: peerOf(0),
    direction,
    title: '',
    content,
    at,
    sent_at: at,
    attachments: [],
    commands: [],
    fields: [],
    reactions: [],
    clock_skew: false,
    method: 'direct',
    renderer: 'plain',
    size: 180 + content.length,
    unread: false,
    verified: 'valid',
    ...more,
  }
}
/** @param {Partial<Schemas['DeliveryView']> & { state: Schemas['DeliveryView']['state'] }} delivery @returns {Schemas['DeliveryView']} */
function state(delivery) {
  const final = ['delivered', 'propagated', 'failed', 'refused', 'cancelled'].includes(delivery.state)
  return {
    attempt: 1,
    since: now - 14_000,
    final,
    retryable: ['failed', 'cancelled', 'retry_wait'].includes(delivery.state),
    ...delivery,
  }
}
const done = state({ state: 'delivered', took_ms: 1800, hops: 3 })
const long =
  'The antenna on the ridge is back up since this morning. Wind was strong, so we used the second mast, and the coax is the old one. SNR looks better than before: about 6.5 dB at the hut. If you pass by, please check the connector at the bottom, it was a bit loose. See https://unsigned.io/ for the notes.'

/** @param {number} index @param {Partial<Schemas['AttachmentView']>} more @returns {Schemas['AttachmentView']} */
const file = (index, more) => ({
  index,
  kind: 'file',
  name: 'track.gpx',
  mime: 'application/gpx+xml',
  size: 48_211,
  inline: false,
  gated: false,
  url: `/mock/image/${index}.svg`,
  ...more,
})

const start = now - 2 * day - 3 * hour
/** @type {Schemas['MessageView'][]} */
export const messages = [
  message('in', start, 'Hello from the hut!'),
  message('in', start + minute, 'We arrived at noon. Everything is covered in snow.'),
  message('out', start + 4 * minute, 'Great to hear. How is the link?', { delivery: done }),
  message('in', start + 9 * minute, long),
  message('in', start + 10 * minute, '', {
    attachments: [
      file(0, {
        kind: 'image',
        name: 'ridge.jpg',
        mime: 'image/jpeg',
        size: 182_000,
        inline: true,
        width: 1600,
        height: 1067,
      }),
    ],
  }),
  message('out', start + 30 * minute, 'Beautiful.', { delivery: done }),
  message('out', start + 31 * minute, 'Here is the track we planned, and the list.', {
    delivery: done,
    attachments: [
      file(0, {}),
      file(1, { name: 'a list with a rather long name of things to bring.ods', size: 1_240_000 }),
    ],
  }),
  message('in', start + day, 'Got both, thank you', {
    reply_to: {
      id: hex(5007, 64),
      known: true,
      direction: 'out',
      snippet: 'Here is the track we planned, and the list.',
    },
  }),
  message('out', start + day + 2 * minute, 'Sent over the propagation node', {
    method: 'propagated',
    delivery: state({ state: 'propagated', via: 'Oslo PN' }),
  }),
  message('out', start + day + 3 * minute, 'This one was too big', {
    delivery: state({ state: 'refused', code: 'too_large_direct', limit: 1_000_000 }),
  }),
  message('out', start + day + 60 * minute, 'Cancelled by me', { delivery: state({ state: 'cancelled' }) }),
  message('in', now - 3 * hour, 'Good morning! Are you there?'),
  message('out', now - 2 * hour, 'On my way', { delivery: done }),
  message('out', now - 2 * hour + minute, 'Did the weather station come up again?', {
    delivery: state({ state: 'failed', code: 'link_timeout', attempt: 5 }),
  }),
  message('out', now - 90 * minute, 'Will try again by itself', {
    delivery: state({ state: 'retry_wait', code: 'no_path', retry_at: now + 20 * minute, attempt: 2 }),
  }),
  message('out', now - 80 * minute, 'When you are heard', { delivery: state({ state: 'wait_heard' }) }),
  message('in', now - 12 * minute, 'Yes! Station is up.', { unread: true }),
  message('in', now - 11 * minute, 'Battery 12.6 V, wind 9 m/s from the west.', { unread: true }),
  message('in', now - 10 * minute, 'Call me when you can', { unread: true }),
  message('out', now - 8 * minute, 'Waiting', { delivery: state({ state: 'waiting' }) }),
  message('out', now - 7 * minute, 'Stamp', {
    delivery: state({ state: 'stamp', percent: 40, eta_ms: 9000, bits: 8 }),
  }),
  message('out', now - 6 * minute, 'Path', { delivery: state({ state: 'path', try: 2 }) }),
  message('out', now - 5 * minute, 'Connecting', {
    delivery: state({ state: 'connecting', hops: 3, interface: 'Hub A' }),
  }),
  message('out', now - 3 * minute, 'Sent', { delivery: state({ state: 'sent' }) }),
  message('out', now - 2 * minute, 'Then I will try the ridge antenna tomorrow.', {
    delivery: state({ state: 'sending', percent: 42, rate: 1100, eta_ms: 50_000 }),
  }),
]

/** @param {string} id @returns {Schemas['Diagnosis']} */
export function diagnosis(id) {
  const of = messages.find((one) => one.id === id)
  const delivery = of?.delivery ?? state({ state: 'failed', code: 'link_timeout' })
  const t0 = of?.at ?? now
  return {
    message: id,
    delivery,
    verdict: { code: 'quiet', confidence: 'probable', heard_at: now - 190 * minute, hops: 3 },
    path: [
      { kind: 'me', state: 'ok' },
      { kind: 'interface', name: 'Hub A', state: 'ok', at: now - 30_000 },
      { kind: 'hops', hops: 3, state: 'unknown', at: now - 9 * minute },
      { kind: 'peer', name: 'Mira', state: 'broken', at: now - 190 * minute },
    ],
    timeline: [
      { seq: 1, at: t0, kind: 'queued' },
      { seq: 2, at: t0 + 200, kind: 'path_request', try: 1 },
      { seq: 3, at: t0 + 3200, kind: 'path_found', hops: 3, interface: 'Hub A' },
      { seq: 4, at: t0 + 3300, kind: 'link_request' },
      {
        seq: 5,
        at: t0 + 15_300,
        kind: 'attempt_failed',
        code: 'link_timeout',
        detail: 'establishment timeout 12 s',
      },
      { seq: 6, at: t0 + 15_400, kind: 'retry_at', retry_at: t0 + 25_000 },
      { seq: 7, at: t0 + 40_000, kind: 'failed', code: 'link_timeout' },
    ],
    checks: [
      { check: 'interface_up', state: 'ok', code: 'up', value: 2, limit: 3 },
      { check: 'traffic', state: 'ok', code: 'heard', value: now - 20_000, name: 'Hub A' },
      { check: 'identity_known', state: 'ok', code: 'known' },
      { check: 'path_known', state: 'warn', code: 'path_stale', value: now - 9 * minute, name: 'Hub A' },
      { check: 'path_request', state: 'running' },
      { check: 'link', state: 'idle' },
      { check: 'propagation', state: 'skipped', code: 'propagation_none' },
      { check: 'size', state: 'ok', code: 'within', value: 240, limit: 1_000_000 },
      { check: 'stamp', state: 'ok', code: 'required', value: 8 },
      { check: 'announced', state: 'warn', code: 'old', value: now - 9 * hour },
    ],
    checked_at: now,
    actions: ['announce_and_retry', 'request_path', 'retry', 'copy_report'],
  }
}

/** @type {Schemas['HeardView']['kind'][]} */
const kinds = ['person', 'person', 'person', 'propagation', 'page', 'phone', 'other']
/** @type {Schemas['HeardView'][]} */
export const heard = Array.from({ length: 400 }, (_, index) => ({
  address: peerOf(index),
  identity: hex(3000 + index, 32),
  kind: kinds[index % kinds.length] ?? 'other',
  name: index < people.length ? (people[index] ?? '') : index % 5 === 0 ? '' : `Node ${index}`,
  hops: (index % 6) + 1,
  interface: index % 3 === 0 ? 'Nearby' : 'Hub A',
  first_at: now - index * hour,
  last_at: now - index * 40_000 - 5000,
  count: 1 + ((index * 7) % 90),
  blocked: false,
  own: false,
  lookalike: index === 9,
  stamp_cost: 0,
  ...(index < 4 ? { contact: people[index] ?? '' } : {}),
  ...(index % 3 === 0 ? { snr: 6.5, rssi: -87 } : {}),
}))

/** @type {Schemas['ContactView'][]} */
export const contacts = [0, 1, 2, 3, 4, 8].map((index) => ({
  address: peerOf(index),
  name: people[index] ?? '',
  announced_name: people[index] ?? '',
  notes: index === 0 ? 'Met at the hut in March.' : '',
  trusted: index < 2,
  key_known: index !== 3,
  created_at: now - 9 * day,
  ...(index === 3 ? {} : { heard_at: now - index * 20 * minute - 4 * minute, hops: index + 1 }),
}))

/** @type {Schemas['InterfaceView'][]} */
export const interfaces = [
  {
    name: 'Hub A',
    type: 'TCPClientInterface',
    state: 'up',
    enabled: true,
    mode: 'full',
    endpoint: 'hub.example.org:4242',
    bitrate: 10_000_000,
    mtu: 500,
    ifac: false,
    rx_bytes: 48_200_000,
    tx_bytes: 3_100_000,
    rx_packets: 90_000,
    tx_packets: 9000,
    rx_rate: 1840,
    tx_rate: 220,
    dropped: 0,
    refused: 0,
    since: now - 5 * hour,
    heard_at: now - 3000,
    peers: [],
    config: {
      name: 'Hub A',
      type: 'TCPClientInterface',
      enabled: true,
      mode: 'full',
      target_host: 'hub.example.org',
      target_port: 4242,
    },
  },
  {
    name: 'Nearby',
    type: 'AutoInterface',
    state: 'up',
    enabled: true,
    mode: 'full',
    bitrate: 10_000_000,
    mtu: 1196,
    ifac: false,
    rx_bytes: 1_200_000,
    tx_bytes: 800_000,
    rx_packets: 900,
    tx_packets: 700,
    rx_rate: 0,
    tx_rate: 0,
    dropped: 0,
    refused: 0,
    since: now - 5 * hour,
    heard_at: now - 90_000,
    peers: [
      { name: 'fe80::1', state: 'up', rx_bytes: 10, tx_bytes: 10 },
      { name: 'fe80::2', state: 'up', rx_bytes: 10, tx_bytes: 10 },
    ],
    config: { name: 'Nearby', type: 'AutoInterface', enabled: true, mode: 'full' },
  },
  {
    name: 'Club server',
    type: 'TCPClientInterface',
    state: 'connecting',
    code: 'refused',
    detail: 'dial tcp 192.0.2.7:4965: connection refused',
    enabled: true,
    mode: 'full',
    endpoint: '192.0.2.7:4965',
    bitrate: 10_000_000,
    mtu: 500,
    ifac: true,
    rx_bytes: 0,
    tx_bytes: 0,
    rx_packets: 0,
    tx_packets: 0,
    rx_rate: 0,
    tx_rate: 0,
    dropped: 0,
    refused: 0,
    retry_at: now + 40_000,
    peers: [],
    config: {
      name: 'Club server',
      type: 'TCPClientInterface',
      enabled: true,
      mode: 'full',
      target_host: '192.0.2.7',
      target_port: 4965,
    },
  },
  {
    name: 'Ridge',
    type: 'RNodeInterface',
    state: 'error',
    code: 'unsupported_type',
    enabled: true,
    mode: 'full',
    bitrate: 0,
    mtu: 500,
    ifac: false,
    rx_bytes: 0,
    tx_bytes: 0,
    rx_packets: 0,
    tx_packets: 0,
    rx_rate: 0,
    tx_rate: 0,
    dropped: 0,
    refused: 0,
    peers: [],
  },
  {
    name: 'Open door',
    type: 'TCPServerInterface',
    state: 'off',
    enabled: false,
    mode: 'gateway',
    endpoint: '0.0.0.0:4242',
    bitrate: 10_000_000,
    mtu: 500,
    ifac: false,
    rx_bytes: 0,
    tx_bytes: 0,
    rx_packets: 0,
    tx_packets: 0,
    rx_rate: 0,
    tx_rate: 0,
    dropped: 0,
    refused: 0,
    peers: [],
    config: {
      name: 'Open door',
      type: 'TCPServerInterface',
      enabled: false,
      mode: 'gateway',
      listen_ip: '0.0.0.0',
      listen_port: 4242,
    },
  },
]

/** @type {Schemas['NetworkView']} */
export const network = {
  reachable: 'yes',
  started_at: now - 5 * hour,
  transport: false,
  paths: 412,
  links: 2,
  heard_at: now - 9000,
  heard_hour: 87,
  rx_rate: 1840,
  tx_rate: 220,
  interfaces: {
    up: 2,
    enabled: 4,
    errors: 1,
    classes: [
      { class: 'lan', total: 1, up: 1, rx_rate: 0, tx_rate: 0 },
      { class: 'internet', total: 2, up: 1, rx_rate: 1840, tx_rate: 220 },
      { class: 'radio', total: 1, up: 0, rx_rate: 0, tx_rate: 0 },
    ],
  },
  facts: [
    { fact: 'interface_up', state: 'ok', count: 2, name: 'Hub A' },
    { fact: 'announce_heard', state: 'ok', count: 87, at: now - 9000 },
    { fact: 'announce_sent', state: 'ok', at: now - 20 * minute, name: 'Neptune' },
    { fact: 'path_known', state: 'ok', count: 412 },
    { fact: 'clock', state: 'ok' },
  ],
}

/** @type {Schemas['PathView'][]} */
export const paths = heard.slice(0, 120).map((one, index) => ({
  destination: one.address,
  hops: one.hops,
  interface: one.interface,
  learned_at: one.last_at,
  expires_at: now + 6 * day,
  state: 'unknown',
  name: one.name,
  kind: one.kind,
  next_hop: hex(7000 + (index % 5), 32),
}))

/** @type {Schemas['SettingView'][]} */
export const serverSettings = [
  {
    key: 'session_days',
    scope: 'server',
    category: 'access',
    type: 'int',
    value: 30,
    default: 30,
    modified: false,
    min: 1,
    max: 365,
    unit: 'days',
    restart: false,
    read_only: false,
    help: '',
  },
  {
    key: 'log_level',
    scope: 'server',
    category: 'storage',
    type: 'enum',
    value: 'debug',
    default: 'info',
    modified: true,
    options: ['error', 'warn', 'info', 'debug'],
    restart: false,
    read_only: false,
    help: '',
  },
  {
    key: 'transport_enabled',
    scope: 'server',
    category: 'network',
    type: 'bool',
    value: false,
    default: false,
    modified: false,
    restart: true,
    read_only: true,
    help: '',
  },
]
/** @type {Schemas['SettingView'][]} */
export const identitySettings = [
  {
    key: 'display_name',
    scope: 'identity',
    category: 'profile',
    type: 'string',
    value: 'Neptune',
    default: '',
    modified: true,
    max: 64,
    restart: false,
    read_only: false,
    help: '',
  },
  {
    key: 'announce_at_start',
    scope: 'identity',
    category: 'network',
    type: 'bool',
    value: true,
    default: true,
    modified: false,
    restart: false,
    read_only: false,
    help: '',
  },
  {
    key: 'announce_interval_s',
    scope: 'identity',
    category: 'network',
    type: 'int',
    value: 21_600,
    default: 21_600,
    modified: false,
    min: 0,
    max: 604_800,
    unit: 's',
    restart: false,
    read_only: false,
    help: '',
  },
  {
    key: 'stamp_cost',
    scope: 'identity',
    category: 'privacy',
    type: 'int',
    value: 8,
    default: 0,
    modified: true,
    min: 0,
    max: 24,
    unit: 'bits',
    restart: false,
    read_only: false,
    help: '',
  },
  {
    key: 'strangers',
    scope: 'identity',
    category: 'privacy',
    type: 'enum',
    value: 'ask',
    default: 'ask',
    modified: false,
    options: ['ask', 'allow', 'ignore'],
    restart: false,
    read_only: false,
    help: '',
  },
  {
    key: 'send_with_enter',
    scope: 'identity',
    category: 'messages',
    type: 'bool',
    value: true,
    default: true,
    modified: false,
    restart: false,
    read_only: false,
    help: '',
  },
  {
    key: 'theme',
    scope: 'identity',
    category: 'appearance',
    type: 'enum',
    value: 'system',
    default: 'system',
    modified: false,
    options: ['system', 'light', 'dark'],
    restart: false,
    read_only: false,
    help: '',
  },
]

/** @type {Schemas['Setup']} */
export const setup = {
  done: true,
  identity: me,
  name_set: false,
  network_chosen: false,
  step: 'identity_ready',
  network: [
    {
      kind: 'shared',
      state: 'unsupported',
      available: false,
      suggested: false,
      devices: [],
      interfaces: 3,
      paths: 412,
      peers: 0,
    },
    {
      kind: 'nearby',
      state: 'found',
      available: true,
      suggested: true,
      interface: 'Nearby',
      devices: ['wlan0', 'eth0'],
      interfaces: 0,
      paths: 0,
      peers: 2,
    },
    {
      kind: 'hubs',
      state: 'none',
      available: true,
      suggested: false,
      devices: [],
      interfaces: 0,
      paths: 0,
      peers: 0,
    },
    {
      kind: 'later',
      state: 'none',
      available: true,
      suggested: false,
      devices: [],
      interfaces: 0,
      paths: 0,
      peers: 0,
    },
  ],
}

/** @type {Schemas['HubView'][]} */
export const hubs = ['Alpha', 'Beta', 'Gamma'].map((name, index) => ({
  name: `Hub ${name}`,
  host: `${name.toLowerCase()}.example.org`,
  port: 4242 + index,
  used: index === 0,
}))
