import { afterEach, beforeEach, vi } from 'vitest'
import { forgetQueries } from '@/api/query'

// Times and numbers read the same on every machine.
Object.defineProperty(navigator, 'languages', { value: ['en-GB'] })

beforeEach(() => {
  localStorage.clear()
  sessionStorage.clear()
})
afterEach(() => {
  forgetQueries()
  vi.useRealTimers()
  vi.restoreAllMocks()
})
