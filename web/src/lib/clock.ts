import { onScopeDispose, readonly, ref, type Ref } from 'vue'

/** Moments since 1970 that tick once in a while; they stand still while the page is hidden. */
interface Ticker {
  now: Ref<number>
  users: number
  timer: ReturnType<typeof setInterval> | undefined
}

const tickers = new Map<number, Ticker>()

function start(ticker: Ticker, every: number): void {
  ticker.timer = setInterval(() => {
    if (!document.hidden) ticker.now.value = Date.now()
  }, every)
}

/** The current time, renewed every `every` milliseconds while some component uses it. */
export function useNow(every = 15_000): Readonly<Ref<number>> {
  let ticker = tickers.get(every)
  if (ticker === undefined) {
    ticker = { now: ref(Date.now()), users: 0, timer: undefined }
    tickers.set(every, ticker)
  }
  const used = ticker
  if (used.users++ === 0) {
    used.now.value = Date.now()
    start(used, every)
  }
  onScopeDispose(() => {
    if (--used.users === 0) clearInterval(used.timer)
  })
  return readonly(used.now)
}
