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

/** Units in which a number is shown and typed, from the smallest: what each is in the unit the program keeps. */
const typedUnits: Readonly<Record<string, readonly (readonly [name: string, size: number])[]>> = {
  bytes: [
    ['B', 1],
    ['kB', 1e3],
    ['MB', 1e6],
    ['GB', 1e9],
  ],
  s: [
    ['s', 1],
    ['min', 60],
    ['h', 3600],
    ['d', 86_400],
  ],
}

function unitsOf(setting: Setting): readonly (readonly [name: string, size: number])[] {
  return typedUnits[setting.unit ?? ''] ?? [[setting.unit ?? '', 1]]
}

/** A number in the largest unit that keeps it whole: 10 MB, 6 h, 30 days. */
export function typedText(setting: Setting, value: Setting['value']): string {
  if (typeof value !== 'number') return String(value)
  const units = unitsOf(setting)
  const [name, size] = units.findLast(([, size]) => value % size === 0 && value >= size) ??
    units[0] ?? ['', 1]
  return `${value / size} ${name}`.trim()
}

/** What was typed, in the unit the program keeps; without a unit it is meant in the one last shown. */
export function typedNumber(setting: Setting, text: string, shown: string): number | undefined {
  const parts = /^(\d+(?:[.,]\d+)?)\s*(\p{L}*)$/u.exec(text.trim())
  if (!parts) return undefined
  const name = (parts[2] || shown.split(' ')[1] || '').toLowerCase()
  const unit = unitsOf(setting).find(([own]) => own.toLowerCase() === name)
  if (!unit) return undefined
  const value = Number(parts[1]?.replace(',', '.')) * unit[1]
  return Number.isInteger(value) ? value : undefined
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
