import { computed, type ComputedRef } from 'vue'
import { conversationResource, type ConversationDetail } from '@/api/conversations'
import { useQuery } from '@/api/query'
import { formatAgo, shortHash } from '@/lib/format'
import { useNow } from '@/lib/clock'
import { useText } from '@/lib/text'
import { hopsText } from './deliveryText'

export interface ConversationState {
  detail: ComputedRef<ConversationDetail | undefined>
  error: ComputedRef<unknown>
  name: ComputedRef<string>
  /** When they were heard, how far they are: one short line. */
  presence: ComputedRef<string>
}

/** The name to show for a peer: ours for them, theirs, or the address. */
export function peerName(peer: { name: string; peer: string }): string {
  return peer.name || shortHash(peer.peer)
}

/** What is known of the peer of an open chat. */
export function useConversation(identity: string, peer: string): ConversationState {
  const { t } = useText()
  const now = useNow()
  const { data: detail, error } = useQuery(conversationResource(identity, peer))
  const name = computed(() => detail.value?.name || shortHash(peer))
  const presence = computed(() => {
    const known = detail.value
    if (known === undefined) return ''
    if (known.heard_at === undefined) return t('chat.neverHeard')
    const parts = [t('chat.heard', { ago: formatAgo(known.heard_at, now.value) })]
    if (known.route.state === 'path' && known.route.hops !== undefined)
      parts.push(hopsText(known.route.hops, t))
    return parts.join(' · ')
  })
  return { detail, error, name, presence }
}
