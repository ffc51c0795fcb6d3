import { client, read, type Schemas } from './client'
import type { Resource } from './query'

export type Setting = Schemas['SettingView']
export type SettingValue = Setting['value']
export type Setup = Schemas['Setup']

/** Settings of the server, or of one identity. */
export type SettingScope = { identity: string } | 'server'

export const settingsResource = (scope: SettingScope): Resource<Setting[]> => ({
  key: ['settings', scope === 'server' ? '' : scope.identity],
  fetch: () => listSettings(scope),
})

async function listSettings(scope: SettingScope): Promise<Setting[]> {
  if (scope === 'server') return (await read(client.GET('/api/v1/settings'))).items ?? []
  const path = { identity: scope.identity }
  return (await read(client.GET('/api/v1/identities/{identity}/settings', { params: { path } }))).items ?? []
}

/** Changes one setting; without a value it goes back to its default. */
export async function changeSetting(
  scope: SettingScope,
  key: string,
  value?: SettingValue,
): Promise<Setting[]> {
  const body = { items: [{ key, ...(value === undefined ? {} : { value }) }] }
  if (scope === 'server') return (await read(client.PATCH('/api/v1/settings', { body }))).items ?? []
  const path = { identity: scope.identity }
  return (
    (await read(client.PATCH('/api/v1/identities/{identity}/settings', { params: { path }, body }))).items ??
    []
  )
}

export const setupResource: Resource<Setup> = {
  key: ['setup'],
  fetch: () => read(client.GET('/api/v1/setup')),
}
export const updateSetup = (body: Schemas['UpdateSetupInputBody']): Promise<Setup> =>
  read(client.PATCH('/api/v1/setup', { body }))
