import type { Interface, InterfaceType } from '@/api/network'
import type { IconName } from '@/kit/icons'
import { hasText, type Translate } from '@/lib/text'

export const stateTone: Record<Interface['state'], 'ok' | 'info' | 'warn' | 'err' | 'neutral'> = {
  up: 'ok',
  connecting: 'info',
  waiting: 'warn',
  error: 'err',
  off: 'neutral',
}

/** The types this page can add, in the order it offers them. */
export const interfaceTypes: readonly InterfaceType[] = [
  'TCPClientInterface',
  'AutoInterface',
  'TCPServerInterface',
  'UDPInterface',
]

export const hasForm = (type: string): type is InterfaceType => interfaceTypes.some((one) => one === type)

export function interfaceIcon(type: string): IconName {
  if (type === 'AutoInterface') return 'wifi'
  if (
    ['TCPClientInterface', 'BackboneClientInterface', 'I2PInterface', 'WebsocketClientInterface'].includes(
      type,
    )
  )
    return 'globe'
  if (['TCPServerInterface', 'BackboneInterface', 'WebsocketServerInterface'].includes(type)) return 'server'
  if (type.startsWith('RNode')) return 'radio-tower'
  return 'cable'
}

/** The name of a type for people; one this page does not know keeps its own. */
export function typeName(type: string, t: Translate): string {
  const key = `interfaces.type.${type}`
  return hasText(key) ? t(key) : type
}

/** Why an interface is not up: words, then what the system said. */
export function interfaceReason(
  item: Pick<Interface, 'state' | 'code' | 'detail' | 'line'>,
  t: Translate,
): string {
  if (item.state === 'up' || !item.code) return ''
  const key = `interfaces.code.${item.code}`
  const words = hasText(key) ? t(key) : item.code
  const told = item.detail?.startsWith(`line ${item.line}:`) ?? false
  const where = item.line && !told ? t('interfaces.line', { n: item.line }) : ''
  return [words, where, item.detail].filter(Boolean).join(' · ')
}
