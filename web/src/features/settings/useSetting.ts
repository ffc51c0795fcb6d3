import { computed, watch, type ComputedRef } from 'vue'
import { useQuery } from '@/api/query'
import { settingsResource, type SettingValue } from '@/api/settings'
import { density, theme, type Density, type Theme } from '@/lib/theme'

/** One setting of an identity; until it is known, the given value. */
export function useSetting<T extends SettingValue>(
  identity: () => string,
  key: string,
  until: T,
): ComputedRef<T> {
  const { data } = useQuery(() => (identity() === '' ? null : settingsResource({ identity: identity() })))
  return computed(() => {
    const value = data.value?.find((setting) => setting.key === key)?.value
    return typeof value === typeof until ? (value as T) : until
  })
}

const themes: readonly Theme[] = ['system', 'light', 'dark']
const densities: readonly Density[] = ['comfortable', 'compact']

/** Shows the page as the identity's settings say. The browser remembers it, so that the next start does not flash. */
export function useAppearance(identity: () => string): void {
  const wantedTheme = useSetting<string>(identity, 'theme', '')
  const wantedDensity = useSetting<string>(identity, 'density', '')
  watch(
    [wantedTheme, wantedDensity],
    ([nextTheme, nextDensity]) => {
      theme.value = themes.find((one) => one === nextTheme) ?? theme.value
      density.value = densities.find((one) => one === nextDensity) ?? density.value
    },
    { immediate: true },
  )
}
