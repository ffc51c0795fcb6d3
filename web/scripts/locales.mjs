// Checks the locale files: English is complete, sorted and fully used; others have no foreign keys.
//   node scripts/locales.mjs          fail on missing, unused or unsorted keys
//   node scripts/locales.mjs --sort   sort the files in place
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const src = fileURLToPath(new URL('../src/', import.meta.url))
const localeDir = join(src, 'locales')
const problems = []

function sourcesBelow(dir) {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) return sourcesBelow(path)
    return /\.(vue|ts)$/.test(name) && !/\.(test|gen)\.ts$/.test(name) ? [path] : []
  })
}

const sorted = (object) =>
  Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))

for (const name of readdirSync(localeDir)) {
  const path = join(localeDir, name)
  const raw = readFileSync(path, 'utf8')
  const want = JSON.stringify(sorted(JSON.parse(raw)), null, 2) + '\n'
  if (raw === want) continue
  if (process.argv.includes('--sort')) writeFileSync(path, want)
  else problems.push(`${name}: not sorted; run  node scripts/locales.mjs --sort`)
}

const english = JSON.parse(readFileSync(join(localeDir, 'en.json'), 'utf8'))
const keys = new Set(Object.keys(english))
const code = sourcesBelow(src)
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n')

// 'a.b' is a key; `a.${x}.c` stands for every key of that shape.
const literals = new Set([...code.matchAll(/'([a-z][a-zA-Z0-9]*(?:\.[\w-]+)+)'/g)].map((match) => match[1]))
const shapes = [...code.matchAll(/`([a-z][a-zA-Z]*\.[^`]*\$\{[^`]*)`/g)].map(
  (match) => new RegExp(`^${match[1].replaceAll('.', '\\.').replace(/\$\{[^}]*\}/g, '.+')}$`),
)
const used = (key) => literals.has(key) || shapes.some((shape) => shape.test(key))

for (const key of keys) if (!used(key)) problems.push(`en.json: ${key} is used nowhere`)

// Keys in t('…') calls are checked by the compiler; here the other literals that look like keys.
for (const match of code.matchAll(/\bt\(\s*'([^']+)'/g))
  if (!keys.has(match[1])) problems.push(`missing in en.json: ${match[1]}`)
for (const match of code.matchAll(/\? '([a-z]\w*\.[\w.]+)' : '([a-z]\w*\.[\w.]+)'/g))
  for (const key of match.slice(1)) if (!keys.has(key)) problems.push(`missing in en.json: ${key}`)

for (const name of readdirSync(localeDir)) {
  if (name === 'en.json') continue
  const other = JSON.parse(readFileSync(join(localeDir, name), 'utf8'))
  for (const key of Object.keys(other)) if (!keys.has(key)) problems.push(`${name}: ${key} is not in en.json`)
}

if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}
console.log(`locales: ${keys.size} keys, complete, used and sorted`)
