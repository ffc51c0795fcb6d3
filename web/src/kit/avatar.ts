export interface AvatarFace {
  /** Degrees on the colour wheel; lightness and chroma come from the theme, so contrast holds. */
  hue: number
  /** One or two letters of the name; empty when there is none. */
  initials: string
  /** SVG path of a mirrored 5×5 pattern on a 7×7 field, for a hash without a name. */
  pattern: string
}

function byteAt(hash: string, index: number): number {
  const value = Number.parseInt(hash.slice(index * 2, index * 2 + 2), 16)
  return Number.isNaN(value) ? 0 : value
}

function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word))
  const letters = words.slice(0, 2).map((word) => [...word][0] ?? '')
  return letters.join('').toUpperCase()
}

/** Derives the picture of an address: a hue and a pattern from the hash, letters from the name. */
export function avatarOf(hash: string, name?: string): AvatarFace {
  let pattern = ''
  for (let row = 0; row < 5; row++) {
    const bits = byteAt(hash, row + 2)
    for (let column = 0; column < 3; column++) {
      if (((bits >> column) & 1) === 0) continue
      pattern += `M${column + 1} ${row + 1}h1v1h-1z`
      if (column < 2) pattern += `M${5 - column} ${row + 1}h1v1h-1z`
    }
  }
  return { hue: (byteAt(hash, 0) * 24) % 360, initials: initialsOf(name ?? ''), pattern }
}
