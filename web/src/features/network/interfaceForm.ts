import type { InterfaceConfig, InterfaceType } from '@/api/network'
import type { TextKey } from '@/lib/text'

/** The form holds what was typed; the configuration is made from it when it is complete. */
export interface InterfaceForm {
  type: InterfaceType
  name: string
  targetHost: string
  targetPort: string
  listenIp: string
  listenPort: string
  forwardIp: string
  forwardPort: string
  groupId: string
  devices: string[]
  mode: NonNullable<InterfaceConfig['mode']>
  networkName: string
  passphrase: string
  hasPassphrase: boolean
  enabled: boolean
}

export const defaultPort = 4242
const names: Record<InterfaceType, string> = {
  TCPClientInterface: 'Hub',
  TCPServerInterface: 'TCP server',
  UDPInterface: 'UDP',
  AutoInterface: 'Nearby',
}

/** A form with the values people mostly want. */
export function blankForm(type: InterfaceType): InterfaceForm {
  return {
    type,
    name: names[type],
    targetHost: '',
    targetPort: String(defaultPort),
    listenIp: '0.0.0.0',
    listenPort: String(defaultPort),
    forwardIp: '255.255.255.255',
    forwardPort: String(defaultPort),
    groupId: '',
    devices: [],
    mode: 'full',
    networkName: '',
    passphrase: '',
    hasPassphrase: false,
    enabled: true,
  }
}

/** The form of an interface that exists. */
export function formOf(config: InterfaceConfig, type: InterfaceType): InterfaceForm {
  const blank = blankForm(type)
  const port = (value: number | undefined, fallback: string): string => (value ? String(value) : fallback)
  return {
    ...blank,
    name: config.name,
    enabled: config.enabled,
    targetHost: config.target_host ?? '',
    targetPort: port(config.target_port, blank.targetPort),
    listenIp: config.listen_ip ?? blank.listenIp,
    listenPort: port(config.listen_port, blank.listenPort),
    forwardIp: config.forward_ip ?? blank.forwardIp,
    forwardPort: port(config.forward_port, blank.forwardPort),
    groupId: config.group_id ?? '',
    devices: config.devices ?? [],
    mode: config.mode ?? 'full',
    networkName: config.network_name ?? '',
    hasPassphrase: config.has_passphrase ?? false,
  }
}

/** Fields that the form checks itself, and the text for what is wrong with them. */
export type FormErrors = Partial<Record<keyof InterfaceForm, TextKey>>

function portOf(text: string): number | null {
  if (!/^\d{1,5}$/u.test(text.trim())) return null
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? port : null
}

export function checkForm(form: InterfaceForm): FormErrors {
  const errors: FormErrors = {}
  const need = (field: 'targetPort' | 'listenPort' | 'forwardPort'): void => {
    if (portOf(form[field]) === null) errors[field] = 'interfaces.error.port'
  }
  if (form.name.trim() === '') errors.name = 'interfaces.error.name'
  if (form.type === 'TCPClientInterface') {
    if (!/^[^\s:/]+$|^[0-9a-f:]+$/iu.test(form.targetHost.trim())) errors.targetHost = 'interfaces.error.host'
    need('targetPort')
  }
  if (form.type === 'TCPServerInterface' || form.type === 'UDPInterface') need('listenPort')
  if (form.type === 'UDPInterface') need('forwardPort')
  return errors
}

/** `host:port` pasted into the host field fills both. */
export function splitHost(text: string): { host: string; port: string } | null {
  const match = /^\s*([^\s:/]+):(\d{1,5})\s*$/u.exec(text)
  return match ? { host: match[1] ?? '', port: match[2] ?? '' } : null
}

function ownFields(form: InterfaceForm): Partial<InterfaceConfig> {
  switch (form.type) {
    case 'TCPClientInterface':
      return { target_host: form.targetHost.trim(), target_port: Number(form.targetPort) }
    case 'TCPServerInterface':
      return { listen_ip: form.listenIp.trim(), listen_port: Number(form.listenPort) }
    case 'UDPInterface':
      return {
        listen_ip: form.listenIp.trim(),
        listen_port: Number(form.listenPort),
        forward_ip: form.forwardIp.trim(),
        forward_port: Number(form.forwardPort),
      }
    case 'AutoInterface':
      return {
        ...(form.groupId.trim() ? { group_id: form.groupId.trim() } : {}),
        ...(form.devices.length ? { devices: form.devices } : {}),
      }
  }
}

/** What is sent to the server. Fields the form does not show keep the values they had. */
export function configOf(form: InterfaceForm, before?: InterfaceConfig): InterfaceConfig {
  const {
    passphrase: _,
    has_passphrase: __,
    ...kept
  } = before ?? { type: form.type, name: '', enabled: true }
  const networkName = form.networkName.trim()
  return {
    ...kept,
    ...ownFields(form),
    type: form.type,
    name: form.name.trim(),
    enabled: form.enabled,
    mode: form.mode,
    ...(networkName || before?.network_name ? { network_name: networkName } : {}),
    ...(form.passphrase ? { passphrase: form.passphrase } : {}),
  }
}
