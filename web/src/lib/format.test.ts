import { describe, expect, it } from 'vitest'
import {
  formatAgo,
  formatBitrate,
  formatBytes,
  formatDay,
  formatDuration,
  formatStamp,
  groupHash,
  shortHash,
} from './format'

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [812, '812 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1240, '1.2 kB'],
    [99_960, '100 kB'],
    [999_600, '1 MB'],
    [5_000_000, '5 MB'],
    [12_345_678_900, '12.3 GB'],
  ])('%i bytes read %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it.each([
    [300, '300 bit/s'],
    [3125, '3.1 kbit/s'],
    [10_000_000, '10 Mbit/s'],
  ])('%i bits a second read %s', (bits, text) => expect(formatBitrate(bits)).toBe(text))
})

describe('spans', () => {
  it.each([
    [1, '1 ms'],
    [1840, '1.8 secs'],
    [50_000, '50 secs'],
    [12 * 60_000, '12 mins'],
    [3 * 3_600_000 + 10 * 60_000, '3 hrs 10 mins'],
    [12 * 3_600_000 + 10 * 60_000, '12 hrs'],
    [3 * 86_400_000, '3 days'],
  ])('%i ms read %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  const now = Date.UTC(2026, 10, 23, 12)
  it.each([
    [0, 'now'],
    [30_000, '30 sec ago'],
    [4 * 60_000, '4 min ago'],
    [3 * 3_600_000, '3 hr ago'],
    [24 * 3_600_000, 'yesterday'],
  ])('%i ms back read %s', (age, text) => expect(formatAgo(now - age, now)).toBe(text))

  it('never lets a clock that runs ahead say "in"', () => expect(formatAgo(now + 60_000, now)).toBe('now'))
})

describe('days', () => {
  const now = new Date(2026, 10, 23, 12).getTime()
  const day = 86_400_000
  it.each([
    [0, 'Today'],
    [day, 'Yesterday'],
    [3 * day, 'Friday'],
    [30 * day, 'Sat 24 October'],
    [400 * day, '19 October 2025'],
  ])('%i ms back is %s', (age, text) => expect(formatDay(now - age, now).replace(',', '')).toBe(text))

  it('shows the time of today and the day of the rest in a row', () => {
    expect(formatStamp(new Date(2026, 10, 23, 9, 5).getTime(), now)).toBe('09:05')
    expect(formatStamp(now - 2 * day, now)).toBe('Sat')
    expect(formatStamp(now - 30 * day, now)).toBe('24 Oct')
  })
})

it('writes hashes to compare and to read aloud', () => {
  expect(shortHash('3e7e2e37aa01c4d2b7f09c3e5d61c2f9')).toBe('3e7e2e37…1c2f9')
  expect(groupHash('3e7e2e37aa01')).toBe('3e7e 2e37 aa01')
})
