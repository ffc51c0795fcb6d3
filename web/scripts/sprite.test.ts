// @vitest-environment node
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { iconNames, spriteMarkup } from './sprite'

const src = fileURLToPath(new URL('../src', import.meta.url))
function sourcesBelow(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    if (statSync(path).isDirectory())
      return name === 'kit' && dir.endsWith('features') ? [] : sourcesBelow(path)
    return /\.(vue|ts)$/.test(name) && name !== 'icons.ts' ? [readFileSync(path, 'utf8')] : []
  })
}

it('draws every icon of the list once', () => {
  const markup = spriteMarkup()
  for (const name of iconNames()) expect(markup.split(`id="i-${name}"`)).toHaveLength(2)
})

it('carries no icon that nothing shows', () => {
  const code = sourcesBelow(src).join('\n')
  expect(iconNames().filter((name) => !code.includes(`'${name}'`) && !code.includes(`"${name}"`))).toEqual([])
})
