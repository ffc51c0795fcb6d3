import { describe, expect, it } from 'vitest'
import { blankForm, checkForm, configOf, formOf, splitHost } from './interfaceForm'

describe('checking', () => {
  it('asks for a host and takes names and addresses', () => {
    const form = blankForm('TCPClientInterface')
    expect(checkForm(form)).toHaveProperty('targetHost')
    for (const host of ['hub.example.org', '192.0.2.7', '2001:db8::1'])
      expect(checkForm({ ...form, targetHost: host })).toEqual({})
    for (const host of ['a b', 'tcp://x', 'hub:99999/x'])
      expect(checkForm({ ...form, targetHost: host })).toHaveProperty('targetHost')
  })
  it.each(['', '0', '65536', '4242x', '-1'])('refuses the port "%s"', (port) => {
    expect(checkForm({ ...blankForm('TCPServerInterface'), listenPort: port })).toHaveProperty('listenPort')
  })
  it('needs nothing for the local network', () => expect(checkForm(blankForm('AutoInterface'))).toEqual({}))
})

it('splits host:port that was pasted into the host field', () => {
  expect(splitHost('hub.example.org:4965')).toEqual({ host: 'hub.example.org', port: '4965' })
  expect(splitHost('2001:db8::1')).toBeNull()
})

describe('what is sent', () => {
  it('holds only the fields of its type', () => {
    const form = { ...blankForm('TCPClientInterface'), targetHost: ' hub.example.org ' }
    expect(configOf(form)).toEqual({
      type: 'TCPClientInterface',
      name: 'Hub',
      enabled: true,
      mode: 'full',
      target_host: 'hub.example.org',
      target_port: 4242,
    })
  })
  it('keeps what the form does not show, and the passphrase unless a new one is typed', () => {
    const before = {
      type: 'TCPServerInterface',
      name: 'Door',
      enabled: true,
      mode: 'gateway',
      listen_ip: '::',
      listen_port: 1,
      bitrate: 9600,
      has_passphrase: true,
      network_name: 'club',
    } as const
    const form = formOf(before, before.type)
    expect(configOf({ ...form, listenPort: '2' }, before)).toEqual({
      type: 'TCPServerInterface',
      name: 'Door',
      enabled: true,
      mode: 'gateway',
      listen_ip: '::',
      listen_port: 2,
      bitrate: 9600,
      network_name: 'club',
    })
    expect(configOf({ ...form, passphrase: 'new' }, before)).toMatchObject({ passphrase: 'new' })
    expect(configOf({ ...form, networkName: '' }, before)).toMatchObject({ network_name: '' })
  })
})
