import { createI18n, useI18n } from 'vue-i18n'
import en from '@/locales/en.json'

/** Every key of the English source; a key that is not there does not compile. */
export type TextKey = keyof typeof en
export type TextParams = Record<string, string | number>
export type Translate = (key: TextKey, params?: TextParams) => string

/** Languages the interface has. English is the source of the keys. */
export const languages = ['en'] as const

export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en },
  // Keys are flat: "chat.state.sent" is one name, not a path.
  messageResolver: (messages, path) => (messages as Record<string, never>)[path] ?? null,
  missingWarn: false,
  fallbackWarn: false,
})

function translate(key: TextKey, params?: TextParams): string {
  const { t } = i18n.global
  if (params === undefined) return t(key)
  const n = params['n']
  return typeof n === 'number' ? t(key, params, { plural: n }) : t(key, params)
}

/** Tells whether a key exists, for codes that come from outside. */
export function hasText(key: string): key is TextKey {
  return i18n.global.te(key)
}

/** The text of a key outside components. A parameter `n` chooses singular or plural. */
export const text: Translate = translate

/** The text of a key inside components. */
export function useText(): { t: Translate } {
  useI18n()
  return { t: translate }
}
