import { client, read, type Schemas } from './client'
import type { Resource } from './query'

export type Propagation = Schemas['PropagationView']
export type NodeChoice = Schemas['NodeChoice']
export type NodeMode = NodeChoice['mode']
export type Sync = Schemas['SyncView']
export type PropagationNode = Schemas['NodeView']
export type Host = Schemas['HostView']
export type HostPeer = Schemas['HostPeerView']

const at = (identity: string) => ({ params: { path: { identity } } })
const named = (peer: string) => ({ params: { path: { peer } } })

export const propagationResource = (identity: string): Resource<Propagation> => ({
  key: ['propagation', identity],
  fetch: () => read(client.GET('/api/v1/identities/{identity}/propagation', at(identity))),
})
export const nodesResource = (identity: string): Resource<PropagationNode[]> => ({
  key: ['nodes', identity],
  fetch: async () =>
    (await read(client.GET('/api/v1/identities/{identity}/propagation/nodes', at(identity)))).items ?? [],
  gap: 2000,
})
export const chooseNode = (identity: string, mode: NodeMode, node = ''): Promise<Propagation> =>
  read(
    client.PUT('/api/v1/identities/{identity}/propagation', {
      ...at(identity),
      body: { mode, ...(node ? { node } : {}) },
    }),
  )
export const syncMessages = (identity: string): Promise<unknown> =>
  read(client.POST('/api/v1/identities/{identity}/propagation/sync', { ...at(identity), body: {} }))
export const cancelSync = (identity: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/identities/{identity}/propagation/sync', at(identity)))

export const hostResource: Resource<Host> = {
  key: ['host'],
  fetch: () => read(client.GET('/api/v1/propagation/host')),
}
export const announceHost = (): Promise<unknown> => read(client.POST('/api/v1/propagation/host/announce'))
export const syncHostPeer = (peer: string): Promise<unknown> =>
  read(client.POST('/api/v1/propagation/host/peers/{peer}/sync', named(peer)))
export const unpeerHostPeer = (peer: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/propagation/host/peers/{peer}', named(peer)))
