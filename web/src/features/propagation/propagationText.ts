import type { NodeChoice, PropagationNode, Sync } from '@/api/propagation'
import type { IconName } from '@/kit/icons'
import { formatAgo, formatBytes, formatPercent, formatTime, shortHash } from '@/lib/format'
import { hasText, type TextKey, type Translate } from '@/lib/text'
import { hopsText } from '@/features/chats/deliveryText'

export interface SyncLook {
  text: string
  icon: IconName
  tone: 'text-text2' | 'text-info' | 'text-ok' | 'text-err'
  /** Progress of 0..1 while messages arrive. */
  part?: number
}

/** What came of a fetch that is over: new messages, and everything that is not as it should be. */
function harvest(sync: Sync, t: Translate): string {
  const parts = [
    sync.stored > 0
      ? t('sync.new', { n: sync.stored })
      : t(sync.listed > 0 ? 'sync.nothingNew' : 'sync.empty'),
  ]
  if (sync.left > 0) parts.push(t('sync.left', { n: sync.left }))
  if (sync.unstored > 0) parts.push(t('sync.unstored', { n: sync.unstored }))
  if (sync.unreadable > 0) parts.push(t('sync.unreadable', { n: sync.unreadable }))
  return parts.join(' · ')
}

/** How fetching from the propagation node stands; null when there is nothing to say. */
export function syncLook(sync: Sync, t: Translate): SyncLook | null {
  if (sync.state === 'idle') return null
  if (sync.failed)
    return { text: t(`sync.state.${sync.state}` as TextKey), icon: 'circle-alert', tone: 'text-err' }
  if (sync.state === 'complete') return { text: harvest(sync, t), icon: 'circle-check', tone: 'text-ok' }
  if (sync.state !== 'receiving')
    return { text: t(`sync.state.${sync.state}` as TextKey), icon: 'refresh-cw', tone: 'text-info' }
  const parts = [
    sync.wanted > 0 ? t('sync.receiving', { at: sync.received, of: sync.wanted }) : t('sync.state.receiving'),
  ]
  if (sync.percent) parts.push(formatPercent(sync.percent))
  if (sync.size) parts.push(formatBytes(sync.size))
  return { text: parts.join(' · '), icon: 'refresh-cw', tone: 'text-info', part: (sync.percent ?? 0) / 100 }
}

/** The stages of a fetch in their order, for the line of steps. */
export const syncStages = [
  'path_requested',
  'link_establishing',
  'request_sent',
  'receiving',
  'complete',
] as const

/** Which of the stages a fetch has reached; -1 for none. */
export function syncStage(sync: Sync): number {
  switch (sync.state) {
    case 'path_requested':
    case 'no_path':
      return 0
    case 'link_establishing':
    case 'link_established':
    case 'link_failed':
      return 1
    case 'request_sent':
    case 'no_identity':
    case 'no_access':
      return 2
    case 'receiving':
    case 'response_received':
    case 'transfer_failed':
    case 'failed':
      return 3
    case 'complete':
      return 4
    default:
      return -1
  }
}

/** Why this node is in use, in one sentence. */
export function choiceText(choice: NodeChoice, t: Translate): string {
  if (choice.mode === 'none') return t('node.reason.off')
  if (choice.reason === 'resting' && choice.until)
    return t('node.reason.resting', { time: formatTime(choice.until) })
  const key = `node.reason.${choice.reason}`
  return hasText(key) ? t(key) : choice.reason
}

/** The figures behind the choice: distance, age, work, and among how many. */
export function choiceFigures(choice: NodeChoice, now: number, t: Translate): string {
  const parts: string[] = []
  if (choice.hops !== undefined) parts.push(hopsText(choice.hops, t))
  if (choice.heard_at) parts.push(t('chat.heard', { ago: formatAgo(choice.heard_at, now) }))
  if (choice.cost > 0) parts.push(t('node.cost', { n: choice.cost }))
  if (choice.mode === 'auto' && choice.heard > 0)
    parts.push(t('node.among', { usable: choice.usable, heard: choice.heard }))
  return parts.join(' · ')
}

/** What this identity has experienced with a node. */
export function experienceText(node: PropagationNode, now: number, t: Translate): string {
  const { successes, failures, last_success: success } = node.experience
  if (node.resting_until) return t('node.resting', { time: formatTime(node.resting_until) })
  if (node.unsuitable) return t(`node.unsuitable.${node.unsuitable}`)
  if (successes + failures === 0) return t('node.untried')
  const parts = [t('node.worked', { n: successes, of: successes + failures })]
  if (success) parts.push(formatAgo(success, now))
  return parts.join(' · ')
}

export const nodeName = (node: { name?: string | undefined; address?: string | undefined }): string =>
  node.name || shortHash(node.address ?? '')
