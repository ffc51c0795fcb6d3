import { afterEach, beforeEach, vi } from 'vitest'
import { forgetQueries } from '@/api/query'

// Tests of scripts run without a page.
const paged = typeof document !== 'undefined'

// Times and numbers read the same on every machine.
if (paged) Object.defineProperty(navigator, 'languages', { value: ['en-GB'] })

beforeEach(() => {
  if (!paged) return
  localStorage.clear()
  sessionStorage.clear()
})
afterEach(() => {
  forgetQueries()
  vi.useRealTimers()
  vi.restoreAllMocks()
})
