// Measures the build against the budgets of docs/performance.md and fails above them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const manifest = JSON.parse(readFileSync(join(dist, 'manifest.build.json'), 'utf8'))
const gz = (path) => gzipSync(readFileSync(join(dist, path)), { level: 9 }).length
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`

/** Files that a set of entries needs before it can run. */
function closure(keys, seen = new Set()) {
  for (const key of keys) {
    if (seen.has(key)) continue
    seen.add(key)
    closure(manifest[key]?.imports ?? [], seen)
  }
  return seen
}

const filesOf = (keys) =>
  [...new Set([...keys].map((key) => manifest[key].file))].filter((file) => file.endsWith('.js'))
const entry = Object.keys(manifest).find((key) => manifest[key].isEntry)
const initial = closure([entry, 'src/features/chats/ChatsPage.vue'])
const css = [
  ...new Set(
    Object.values(manifest).flatMap((chunk) => [
      ...(chunk.css ?? []),
      ...(chunk.file.endsWith('.css') ? [chunk.file] : []),
    ]),
  ),
]
const sum = (files) => files.reduce((total, file) => total + gz(file), 0)

const locale = fileURLToPath(new URL('../src/locales/en.json', import.meta.url))
const rows = [
  ['JavaScript for /chats', sum(filesOf(initial)), 180_000],
  ['CSS', sum(css), 18_000],
  ['HTML, icons, theme', gz('index.html') + gz('theme.js') + gz('icon.svg'), 25_000],
  ['Locale en', gzipSync(readFileSync(locale)).length, 20_000],
]
for (const key of Object.keys(manifest)) {
  if (!manifest[key].isDynamicEntry || key.endsWith('ChatsPage.vue')) continue
  const own = filesOf([...closure([key])].filter((one) => !initial.has(one)))
  rows.push([`Lazy ${key.split('/').at(-1)}`, sum(own), 60_000])
}
rows.push(['Requests before /chats runs', filesOf(initial).length + css.length + 2, 8])

let failed = false
for (const [name, value, budget] of rows) {
  const over = value > budget
  failed ||= over
  const show = budget < 100 ? String : kb
  console.log(`${over ? 'OVER' : 'ok  '}  ${name.padEnd(38)} ${show(value).padStart(9)} of ${show(budget)}`)
}
process.exit(failed ? 1 : 0)
