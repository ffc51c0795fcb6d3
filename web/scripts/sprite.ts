import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const listFile = fileURLToPath(new URL('../src/kit/icons.ts', import.meta.url))
const glyphDir = fileURLToPath(new URL('../node_modules/lucide-vue-next/dist/esm/icons/', import.meta.url))

type GlyphNode = [tag: string, attributes: Record<string, string>]

/** Names of the icons in use, read from the one list the components are typed by. */
export function iconNames(source = readFileSync(listFile, 'utf8')): string[] {
  return [...source.matchAll(/^\s*'([a-z0-9-]+)',/gm)].map((match) => match[1] ?? '')
}

function glyph(name: string): string {
  const source = readFileSync(`${glyphDir}${name}.js`, 'utf8')
  const array = /createLucideIcon\("[^"]+",\s*(\[[\s\S]*\])\s*\);/.exec(source)?.[1]
  if (array === undefined) throw new Error(`icon ${name}: the glyph file has an unknown shape`)
  const nodes = new Function(`return ${array}`)() as GlyphNode[]
  return nodes
    .map(([tag, attributes]) => {
      const text = Object.entries(attributes)
        .filter(([key]) => key !== 'key')
        .map(([key, value]) => ` ${key}="${value}"`)
        .join('')
      return `<${tag}${text}/>`
    })
    .join('')
}

/** The sprite: one symbol per icon in use. */
export function spriteMarkup(names = iconNames()): string {
  const symbols = names.map((name) => `<symbol id="i-${name}" viewBox="0 0 24 24">${glyph(name)}</symbol>`)
  return `<div hidden><svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg></div>`
}

/** Puts the icon sprite into index.html, so that icons cost no request and no script. */
export function sprite(): Plugin {
  return {
    name: 'meshchatx-sprite',
    transformIndexHtml: (html) => html.replace('<!--sprite-->', spriteMarkup()),
  }
}
