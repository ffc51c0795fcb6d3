import { describe, expect, it } from 'vitest'
import type { Setting } from '@/api/settings'
import { typedNumber, typedText } from './settingText'

const setting = (unit: string): Setting =>
  ({ key: 'x', type: 'int', unit, value: 0, default: 0 }) as unknown as Setting

describe('numbers with units', () => {
  it.each([
    ['bytes', 10_000_000, '10 MB'],
    ['bytes', 10_500_000, '10500 kB'],
    ['bytes', 0, '0 B'],
    ['s', 21_600, '6 h'],
    ['s', 5400, '90 min'],
    ['s', 604_800, '7 d'],
    ['days', 30, '30 days'],
    ['', 12, '12'],
  ])('shows %s of %d as %s and takes it back', (unit, value, text) => {
    expect(typedText(setting(unit), value)).toBe(text)
    expect(typedNumber(setting(unit), text, text)).toBe(value)
  })

  it.each([
    ['bytes', '1.5 GB', '10 MB', 1_500_000_000],
    ['bytes', '20', '10 MB', 20_000_000],
    ['bytes', '1,5mb', '10 MB', 1_500_000],
    ['s', '0', '6 h', 0],
    ['s', '1 d', '6 h', 86_400],
    ['days', '7', '30 days', 7],
    ['', '7', '12', 7],
  ])('reads %s typed as %s', (unit, typed, shown, value) => {
    expect(typedNumber(setting(unit), typed, shown)).toBe(value)
  })

  it.each(['', 'much', '-1', '1 parsec', '0.5 B', '1 2'])('refuses %s', (typed) => {
    expect(typedNumber(setting('bytes'), typed, '10 MB')).toBeUndefined()
  })
})
