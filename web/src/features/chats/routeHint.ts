import type { Route } from '@/api/conversations'
import { formatBitrate, formatBytes, formatDuration } from '@/lib/format'
import type { Translate } from '@/lib/text'
import { hopsText } from './deliveryText'

/** Sizes below this need no estimate: they go in one packet. */
const estimateFrom = 300
/** Framing, encryption and proofs cost about this much on top of the payload. */
const overhead = 1.15

export interface RouteHint {
  text: string
  tone: 'quiet' | 'warn'
}

/** Milliseconds a payload needs at a bitrate. */
export function sendTime(bytes: number, bitrate: number): number {
  return ((bytes * 8 * overhead) / bitrate) * 1000
}

function wayText(route: Route, t: Translate): string {
  switch (route.state) {
    case 'no_interface':
      return t('route.no_interface')
    case 'unknown_peer':
      return t('route.unknown_peer')
    case 'no_path':
      return t('route.no_path')
    case 'path': {
      const way = route.hops === undefined ? t('route.path') : hopsText(route.hops, t)
      return route.interface ? t('route.via', { way, name: route.interface }) : way
    }
  }
}

/** The line under the composer: which way it will go, and what it will cost. */
export function routeHint(route: Route, textBytes: number, fileBytes: number, t: Translate): RouteHint {
  const size = textBytes + fileBytes
  if (route.limit !== undefined && route.limit > 0 && size > route.limit) {
    return {
      text: t('route.tooLarge', { size: formatBytes(size), limit: formatBytes(route.limit) }),
      tone: 'warn',
    }
  }
  const parts = [wayText(route, t)]
  if (size > estimateFrom || fileBytes > 0) {
    parts.push(formatBytes(size))
    if (route.bitrate)
      parts.push(t('route.about', { time: formatDuration(Math.max(1000, sendTime(size, route.bitrate))) }))
    else if (size > route.single_max) parts.push(t('route.needsLink'))
  } else if (route.state === 'path' && route.bitrate) {
    parts.push(formatBitrate(route.bitrate))
  }
  if (route.stamp_cost > 0 && !route.ticket) parts.push(t('route.stamp', { bits: route.stamp_cost }))
  return { text: parts.join(' · '), tone: route.state === 'no_interface' ? 'warn' : 'quiet' }
}
