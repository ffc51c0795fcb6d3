import type { Delivery } from '@/api/messages'
import type { IconName } from '@/kit/icons'
import { formatBytes, formatDuration, formatPercent, formatRate, formatTime } from '@/lib/format'
import { hasText, type TextKey, type Translate } from '@/lib/text'

export type DeliveryState = Delivery['state']
export type ReasonCode = NonNullable<Delivery['code']>
export type DeliveryTone = 'quiet' | 'info' | 'ok' | 'warn' | 'err'

export interface DeliveryLook {
  /** The whole line, as "Sending 42% · 1.1 kB/s · ~50 sec". */
  text: string
  /** The first words alone, for a list row. */
  short: string
  icon: IconName
  tone: DeliveryTone
  /** Progress of 0..1, where the glyph is a ring. */
  part?: number
}

const icons: Record<DeliveryState, IconName> = {
  waiting: 'clock',
  stamp: 'hourglass',
  path: 'compass',
  connecting: 'link',
  sending: 'upload',
  sent: 'check',
  propagated: 'inbox',
  paper: 'file',
  delivered: 'check-check',
  retry_wait: 'clock-alert',
  wait_heard: 'moon',
  failed: 'circle-alert',
  refused: 'ban',
  cancelled: 'x',
}

const tones: Record<DeliveryState, DeliveryTone> = {
  waiting: 'quiet',
  stamp: 'quiet',
  path: 'quiet',
  connecting: 'quiet',
  sending: 'info',
  sent: 'quiet',
  propagated: 'ok',
  paper: 'quiet',
  delivered: 'ok',
  retry_wait: 'warn',
  wait_heard: 'warn',
  failed: 'err',
  refused: 'err',
  cancelled: 'quiet',
}

/** The reason in words. A code this page does not know yet is shown as it is. */
export function reasonText(code: string | undefined, limit: number | undefined, t: Translate): string {
  if (code === undefined) return t('reason.unknown')
  if ((code === 'too_large_direct' || code === 'too_large_propagation') && limit) {
    return t('reason.too_large_limit', { limit: formatBytes(limit) })
  }
  const key = `reason.${code}`
  return hasText(key) ? t(key) : code
}

function via(delivery: Delivery, t: Translate): string | undefined {
  if (delivery.hops === undefined) return delivery.interface && t('chat.via', { name: delivery.interface })
  const hops = hopsText(delivery.hops, t)
  return delivery.interface ? t('chat.hopsVia', { hops, name: delivery.interface }) : hops
}

/** Hops as people say them: direct, 2 hops. The path table counts our own step, so 1 is direct. */
export function hopsText(hops: number, t: Translate): string {
  return hops <= 1 ? t('hops.direct') : t('hops.count', { n: hops })
}

function parts(delivery: Delivery, now: number, t: Translate): (string | undefined)[] {
  const { percent, eta_ms: eta } = delivery
  const left = eta === undefined ? undefined : t('chat.eta', { time: formatDuration(eta) })
  switch (delivery.state) {
    case 'stamp':
      return [percent === undefined ? undefined : formatPercent(percent), left]
    case 'path': {
      const waited = now - delivery.since
      return [
        delivery.try === undefined ? undefined : t('chat.try', { n: delivery.try }),
        waited >= 1000 ? formatDuration(Math.floor(waited / 1000) * 1000) : undefined,
      ]
    }
    case 'connecting':
      return [via(delivery, t)]
    case 'sending':
      return [
        delivery.rate === undefined ? undefined : formatRate(delivery.rate),
        left,
        delivery.slow ? t('chat.slow') : undefined,
      ]
    case 'delivered':
      return [delivery.took_ms === undefined ? undefined : formatDuration(delivery.took_ms)]
    case 'retry_wait':
    case 'failed':
    case 'refused':
      return [reasonText(delivery.code, delivery.limit, t)]
    default:
      return []
  }
}

function head(delivery: Delivery, t: Translate): string {
  switch (delivery.state) {
    case 'sending':
      return delivery.percent === undefined
        ? t('state.sending')
        : t('state.sending_percent', { percent: formatPercent(delivery.percent) })
    case 'propagated':
      return delivery.via ? t('state.propagated_via', { name: delivery.via }) : t('state.propagated')
    case 'retry_wait':
      return delivery.retry_at === undefined
        ? t('state.retry_wait')
        : t('state.retry_wait_at', { time: formatTime(delivery.retry_at) })
    default:
      return t(`state.${delivery.state}` as TextKey)
  }
}

/** How a delivery state is written and drawn. The words carry it; glyph and colour only help. */
export function deliveryLook(delivery: Delivery, now: number, t: Translate): DeliveryLook {
  const short = head(delivery, t)
  const text = [short, ...parts(delivery, now, t)]
    .filter((part) => part !== undefined && part !== '')
    .join(' · ')
  const look: DeliveryLook = { text, short, icon: icons[delivery.state], tone: tones[delivery.state] }
  return delivery.state === 'sending' ? { ...look, part: (delivery.percent ?? 0) / 100 } : look
}

/** Glyph and words of a state alone, for a list row. */
export function stateLook(
  state: string,
  t: Translate,
): { text: string; icon: IconName; tone: DeliveryTone } | null {
  if (!(state in icons)) return null
  const known = state as DeliveryState
  return { text: t(`state.${known}` as TextKey), icon: icons[known], tone: tones[known] }
}

/** Text stands under the last own message, and under every message that is not settled well. */
export function showsText(delivery: Delivery, lastOwn: boolean): boolean {
  if (lastOwn || !delivery.final) return true
  return (
    delivery.state !== 'delivered' &&
    delivery.state !== 'propagated' &&
    delivery.state !== 'paper' &&
    delivery.state !== 'sent'
  )
}

/** Whether the state is one a person must hear of while looking elsewhere. */
export function worthSaying(delivery: Delivery): boolean {
  return delivery.final || delivery.state === 'failed' || delivery.state === 'refused'
}

export const toneClass: Record<DeliveryTone, string> = {
  quiet: 'text-text3',
  info: 'text-info',
  ok: 'text-ok',
  warn: 'text-warn',
  err: 'text-err',
}
