/** How numbers, sizes, times and hashes are written. Everything goes through Intl. */

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** The reader's own region of the interface language, so that 14:32 or 2:32 PM is theirs. */
function locale(): string {
  const language = document.documentElement.lang || 'en'
  return navigator.languages.find((own) => own.startsWith(language)) ?? language
}

const formats = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>()

function numberFormat(name: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${locale()} ${name}`
  const known = formats.get(key)
  if (known instanceof Intl.NumberFormat) return known
  const made = new Intl.NumberFormat(locale(), options)
  formats.set(key, made)
  return made
}

function dateFormat(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()} ${name}`
  const known = formats.get(key)
  if (known instanceof Intl.DateTimeFormat) return known
  const made = new Intl.DateTimeFormat(locale(), options)
  formats.set(key, made)
  return made
}

export function formatCount(value: number): string {
  return numberFormat('count', {}).format(value)
}

export function formatPercent(percent: number): string {
  return numberFormat('percent', { style: 'percent' }).format(percent / 100)
}

const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const

/** Bytes in decimal units with at most one decimal: 812 B, 1.2 kB, 5 MB. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit > 0 && value < 99.95 ? 1 : 0
  const name = byteUnits[unit] ?? 'byte'
  const options = {
    style: 'unit',
    unit: name,
    unitDisplay: unit === 0 ? 'narrow' : 'short',
    maximumFractionDigits: digits,
  } as const
  const written = numberFormat(`bytes ${unit} ${digits}`, options).format(value)
  return unit === 0 ? written.replace(/(\d)B$/, '$1 B') : written
}

/** Bytes per second. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

const bitUnits = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'] as const

/** Bits per second, as a radio or an interface states them. */
export function formatBitrate(bitsPerSecond: number): string {
  let value = bitsPerSecond
  let unit = 0
  while (value >= 1000 && unit < bitUnits.length - 1) {
    value /= 1000
    unit++
  }
  const digits = value < 10 && unit > 0 ? 1 : 0
  return `${numberFormat(`bits ${digits}`, { maximumFractionDigits: digits }).format(value)} ${bitUnits[unit] ?? ''}`
}

function unitText(value: number, unit: string): string {
  return numberFormat(`unit ${unit}`, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: 0,
  }).format(value)
}

/** A span of time in one or two units: 1.8 sec, 50 sec, 3 hr 10 min. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return unitText(Math.max(1, Math.round(ms)), 'millisecond')
  if (ms < 10_000) {
    return numberFormat('seconds', {
      style: 'unit',
      unit: 'second',
      unitDisplay: 'short',
      maximumFractionDigits: 1,
    }).format(ms / 1000)
  }
  if (ms < minute) return unitText(Math.round(ms / 1000), 'second')
  if (ms < hour) return unitText(Math.round(ms / minute), 'minute')
  if (ms < day) {
    const minutes = Math.floor((ms % hour) / minute)
    const hours = unitText(Math.floor(ms / hour), 'hour')
    return minutes === 0 || ms >= 10 * hour ? hours : `${hours} ${unitText(minutes, 'minute')}`
  }
  return unitText(Math.floor(ms / day), 'day')
}

function relative(value: number, unit: Intl.RelativeTimeFormatUnit): string {
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' }).format(value, unit)
}

/** How long ago: now, 4 min. ago, 3 hr. ago, yesterday. */
export function formatAgo(at: number, now: number): string {
  const age = Math.max(0, now - at)
  if (age < 10_000) return relative(0, 'second')
  if (age < minute) return relative(-Math.floor(age / 1000), 'second')
  if (age < hour) return relative(-Math.floor(age / minute), 'minute')
  if (age < day) return relative(-Math.floor(age / hour), 'hour')
  return relative(-Math.floor(age / day), 'day')
}

/** Hours and minutes. */
export function formatTime(at: number): string {
  return dateFormat('time', { timeStyle: 'short' }).format(at)
}

/** Hours, minutes, seconds. */
export function formatTimeExact(at: number): string {
  return dateFormat('exact', { timeStyle: 'medium' }).format(at)
}

/** Date and time in full. */
export function formatMoment(at: number): string {
  return dateFormat('moment', { dateStyle: 'medium', timeStyle: 'short' }).format(at)
}

/** A number that is the same for every moment of one local day. */
export function dayOf(at: number): number {
  const date = new Date(at)
  return date.getFullYear() * 10_000 + (date.getMonth() + 1) * 100 + date.getDate()
}

/** The day as a separator shows it: today, yesterday, Monday, 3 May, 3 May 2024. */
export function formatDay(at: number, now: number): string {
  if (dayOf(at) === dayOf(now)) return capital(relative(0, 'day'))
  if (dayOf(at) === dayOf(now - day)) return capital(relative(-1, 'day'))
  if (at < now && now - at < 6 * day) return dateFormat('weekday', { weekday: 'long' }).format(at)
  if (new Date(at).getFullYear() === new Date(now).getFullYear()) {
    return dateFormat('dayMonth', { weekday: 'short', day: 'numeric', month: 'long' }).format(at)
  }
  return dateFormat('dayYear', { day: 'numeric', month: 'long', year: 'numeric' }).format(at)
}

/** The full date, for those who hear the separator. */
export function formatDate(at: number): string {
  return dateFormat('date', { dateStyle: 'full' }).format(at)
}

/** What a list row shows: the time today, else the day, as short as it goes. */
export function formatStamp(at: number, now: number): string {
  if (dayOf(at) === dayOf(now)) return formatTime(at)
  if (at < now && now - at < 6 * day) return dateFormat('weekdayShort', { weekday: 'short' }).format(at)
  if (new Date(at).getFullYear() === new Date(now).getFullYear()) {
    return dateFormat('short', { day: 'numeric', month: 'short' }).format(at)
  }
  return dateFormat('shortYear', { year: 'numeric', month: 'short' }).format(at)
}

function capital(words: string): string {
  return words.charAt(0).toLocaleUpperCase(locale()) + words.slice(1)
}

/** A hash in 8 + 5 digits. */
export function shortHash(hash: string): string {
  return hash.length <= 14 ? hash : `${hash.slice(0, 8)}…${hash.slice(-5)}`
}

/** A hash in groups of four digits, to read aloud and compare. */
export function groupHash(hash: string): string {
  return hash.replace(/(.{4})(?=.)/g, '$1 ')
}
