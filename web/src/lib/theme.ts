import { ref, watchEffect } from 'vue'

export type Theme = 'system' | 'light' | 'dark'
export type Density = 'comfortable' | 'compact'

const themeKey = 'mcx.theme'
const densityKey = 'mcx.density'

function stored<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
  try {
    const value = localStorage.getItem(key)
    return allowed.find((one) => one === value) ?? fallback
  } catch {
    return fallback
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // A browser that stores nothing still shows the choice until it is closed.
  }
}

/** The chosen theme of this browser. */
export const theme = ref<Theme>(stored(themeKey, ['system', 'light', 'dark'], 'system'))
/** The chosen density of lists in this browser. */
export const density = ref<Density>(stored(densityKey, ['comfortable', 'compact'], 'comfortable'))

/** Applies the choices to the document and follows the system. Call once. */
export function startTheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const apply = (): void => {
    const shown = theme.value === 'system' ? (dark.matches ? 'dark' : 'light') : theme.value
    document.documentElement.dataset['theme'] = shown
    document.documentElement.dataset['density'] = density.value
  }
  dark.addEventListener('change', apply)
  watchEffect(() => {
    apply()
    keep(themeKey, theme.value)
    keep(densityKey, density.value)
  })
}
