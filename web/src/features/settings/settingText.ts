import type { Setting } from '@/api/settings'
import { formatBytes, formatDuration } from '@/lib/format'
import { hasText, type Translate } from '@/lib/text'

/** State the program keeps for itself, and what has a page of its own. */
export const hiddenSettings = new Set(['setup_done', 'instance_id', 'notifications', 'notification_preview'])

/** A key like `messages.stamp_cost` as words, for a setting that has no text yet. */
export function wordsOf(key: string): string {
  const last = key.split('.').at(-1) ?? key
  const words = last.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function settingLabel(setting: Setting, t: Translate): string {
  const key = `setting.${setting.key}`
  return hasText(key) ? t(key) : wordsOf(setting.key)
}

export function settingHelp(setting: Setting, t: Translate): string {
  const key = `setting.${setting.key}.help`
  return hasText(key) ? t(key) : setting.help
}

export function optionLabel(setting: Setting, option: string, t: Translate): string {
  const key = `setting.${setting.key}.${option}`
  return hasText(key) ? t(key) : wordsOf(option)
}

/** A value as people read it. */
export function valueText(setting: Setting, value: Setting['value'], t: Translate): string {
  if (typeof value === 'boolean') return t(value ? 'settings.on' : 'settings.off')
  if (typeof value === 'string')
    return setting.type === 'enum' ? optionLabel(setting, value, t) : value || t('settings.empty')
  if (setting.unit === 'bytes') return formatBytes(value)
  if (setting.unit === 's') return value === 0 ? t('settings.never') : formatDuration(value * 1000)
  return setting.unit ? `${value} ${setting.unit}` : String(value)
}

export function groupLabel(group: string, t: Translate): string {
  const key = `settings.group.${group}`
  return hasText(key) ? t(key) : wordsOf(group)
}

/** Whether a search meets a setting: every word in its name, help, key or synonyms. */
export function settingMatches(setting: Setting, q: string, t: Translate): boolean {
  const synonyms = `setting.${setting.key}.synonyms`
  const haystack = [
    settingLabel(setting, t),
    settingHelp(setting, t),
    setting.key,
    hasText(synonyms) ? t(synonyms) : '',
  ]
    .join(' ')
    .toLocaleLowerCase()
  return q
    .toLocaleLowerCase()
    .split(/\s+/u)
    .every((word) => haystack.includes(word))
}
