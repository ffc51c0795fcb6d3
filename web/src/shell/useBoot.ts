import { ref, type Ref } from 'vue'
import { secondToken, signedOut } from '@/api/client'
import { startEvents } from '@/api/events'
import { startLive } from '@/api/live'
import { ApiError } from '@/api/problem'
import { exchangeToken, getSession } from '@/api/session'

/** How far the page came: it shows the app only in `ready`. */
export type BootState = 'starting' | 'ready' | 'signed-out' | 'lost'

/** Takes the start token out of the address, so that it stays in no history. */
export function takeStartToken(url: URL): { token: string; rest: string } {
  const hash = new URLSearchParams(url.hash.slice(1))
  const token = hash.get('token') ?? url.searchParams.get('token') ?? ''
  if (token === '') return { token, rest: url.pathname + url.search + url.hash }
  url.searchParams.delete('token')
  hash.delete('token')
  const left = hash.toString()
  return { token, rest: url.pathname + url.search + (left ? `#${left}` : '') }
}

/** Opens or finds the session, then starts the stream of events. */
export function useBoot(): { state: Ref<BootState>; reason: Ref<string>; boot: () => Promise<void> } {
  const state = ref<BootState>('starting')
  const reason = ref('')
  let live = false

  async function boot(): Promise<void> {
    state.value = 'starting'
    const { token, rest } = takeStartToken(new URL(location.href))
    try {
      if (token !== '') {
        history.replaceState(history.state, '', rest)
        await exchangeToken(token)
      }
      if (secondToken.get() === '') {
        state.value = 'signed-out'
        return
      }
      await getSession()
      if (!live) startLive()
      live = true
      startEvents()
      signedOut.value = false
      state.value = 'ready'
    } catch (error) {
      const lost = error instanceof ApiError && (error.code === 'server_lost' || error.status >= 500)
      reason.value = error instanceof ApiError && token !== '' ? error.code : ''
      state.value = lost ? 'lost' : 'signed-out'
    }
  }
  return { state, reason, boot }
}
