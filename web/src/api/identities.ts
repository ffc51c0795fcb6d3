import { client, read, type Schemas } from './client'
import type { Resource } from './query'

export type Identity = Schemas['IdentityView']

const at = (identity: string): { params: { path: { identity: string } } } => ({
  params: { path: { identity } },
})

export const listIdentities = async (): Promise<Identity[]> =>
  (await read(client.GET('/api/v1/identities'))).items ?? []
export const identitiesResource: Resource<Identity[]> = { key: ['identities'], fetch: listIdentities }
export const createIdentity = (displayName: string): Promise<Identity> =>
  read(client.POST('/api/v1/identities', { body: { display_name: displayName } }))
export const previewIdentity = (data: string): Promise<Schemas['IdentityPreview']> =>
  read(client.POST('/api/v1/identities/preview', { body: { data } }))
export const importIdentity = (data: string, displayName: string): Promise<Identity> =>
  read(client.POST('/api/v1/identities/import', { body: { data, display_name: displayName } }))
export const updateIdentity = (
  identity: string,
  body: Schemas['UpdateIdentityInputBody'],
): Promise<Identity> => read(client.PATCH('/api/v1/identities/{identity}', { ...at(identity), body }))
export const announceIdentity = (identity: string): Promise<unknown> =>
  read(client.POST('/api/v1/identities/{identity}/announce', at(identity)))
export const exportIdentity = (
  identity: string,
  format: Schemas['ExportIdentityInputBody']['format'],
): Promise<Schemas['IdentityKey']> =>
  read(client.POST('/api/v1/identities/{identity}/export', { ...at(identity), body: { format } }))
