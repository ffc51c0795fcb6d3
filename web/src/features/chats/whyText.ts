import type { Diagnosis, MessageEvent } from '@/api/messages'
import { formatAgo, formatBytes, formatDuration, formatPercent, formatRate, formatTime } from '@/lib/format'
import { hasText, type TextKey, type TextParams, type Translate } from '@/lib/text'
import { hopsText, reasonText } from './deliveryText'

type Verdict = Diagnosis['verdict']
type Check = Diagnosis['checks'][number]

/** One sentence on how things stand. */
export function verdictText(verdict: Verdict, now: number, t: Translate): string {
  const params: TextParams = {
    ago: verdict.heard_at === undefined ? '' : formatAgo(verdict.heard_at, now),
    limit: verdict.limit === undefined ? '' : formatBytes(verdict.limit),
    size: verdict.size === undefined ? '' : formatBytes(verdict.size),
  }
  if (verdict.code === 'quiet' && verdict.heard_at === undefined) return t('verdict.never_heard')
  if (verdict.code === 'too_large' && !verdict.limit) return t('verdict.too_large_plain')
  return t(`verdict.${verdict.code}`, params)
}

/** The result of a check in words; a code this page does not know is shown as it is. */
export function checkText(check: Check, now: number, t: Translate): string {
  if (check.state === 'idle') return t('check.idle')
  if (check.state === 'running') return t('check.running')
  const value = check.value
  const params: TextParams = { name: check.name ?? '' }
  if (value !== undefined) {
    params['n'] = value
    params['bytes'] = formatBytes(value)
    params['ago'] = value > 1e11 ? formatAgo(value, now) : ''
  }
  if (check.limit !== undefined) params['limit'] = formatBytes(check.limit)
  const key = `check.${check.check}.${check.code ?? check.state}`
  if (hasText(key)) return t(key, params)
  const fallback = `check.result.${check.state}`
  const words = hasText(fallback) ? t(fallback) : check.state
  return check.code ? `${words} (${check.code})` : words
}

function eventDetails(event: MessageEvent, t: Translate): (string | undefined)[] {
  switch (event.kind) {
    case 'stamp_start':
    case 'stamp_done':
      return [event.bits === undefined ? undefined : t('event.bits', { n: event.bits })]
    case 'stamp_progress':
      return [event.percent === undefined ? undefined : formatPercent(event.percent)]
    case 'path_request':
      return [event.try === undefined ? undefined : t('chat.try', { n: event.try })]
    case 'path_found':
      return [event.hops === undefined ? undefined : hopsText(event.hops, t), event.interface]
    case 'link_up':
    case 'delivered':
      return [event.rtt_ms === undefined ? undefined : formatDuration(event.rtt_ms)]
    case 'progress':
      return [
        event.part === undefined ? undefined : t('event.part', { part: event.part, parts: event.parts ?? 0 }),
        event.rate === undefined ? undefined : formatRate(event.rate),
      ]
    case 'retry_at':
      return [event.retry_at === undefined ? undefined : formatTime(event.retry_at)]
    case 'attempt_failed':
    case 'rejected':
    case 'failed':
      return [reasonText(event.code, undefined, t)]
    default:
      return []
  }
}

/** A step of the history in words. */
export function eventText(event: MessageEvent, t: Translate): string {
  const parts = eventDetails(event, t).filter((part) => part !== undefined && part !== '')
  return [t(`event.${event.kind}` as TextKey), ...parts].join(' · ')
}

/** Keeps the last of neighbouring progress steps: the rest only repeats it. */
export function condense(events: readonly MessageEvent[]): MessageEvent[] {
  const repeated = new Set(['progress', 'stamp_progress'])
  return events.filter(
    (event, index) => !(repeated.has(event.kind) && events[index + 1]?.kind === event.kind),
  )
}

/** A report to paste into a question for help. Hashes are cut so that nobody is named. */
export function reportText(diagnosis: Diagnosis): string {
  const { delivery, verdict, path, checks, timeline } = diagnosis
  const start = timeline[0]?.at ?? 0
  return [
    `message ${diagnosis.message.slice(0, 8)}…`,
    `state ${delivery.state} ${delivery.code ?? ''} attempt ${delivery.attempt}`.trim(),
    `verdict ${verdict.code} (${verdict.confidence})`,
    `path ${path.map((node) => `${node.kind}:${node.state}${node.hops === undefined ? '' : `:${node.hops}`}`).join(' > ')}`,
    ...checks.map((check) => `check ${check.check} ${check.state} ${check.code ?? ''}`.trim()),
    ...timeline.map((event) =>
      `+${((event.at - start) / 1000).toFixed(1)}s ${event.kind} ${event.code ?? ''}`.trim(),
    ),
  ].join('\n')
}
