import { client, read, type Schemas } from './client'
import type { Resource } from './query'

export type Network = Schemas['NetworkView']
export type Interface = Schemas['InterfaceView']
export type InterfaceConfig = Schemas['InterfaceConfig']
/** The types that have a form; the others are set up in the configuration file or by other programs. */
export type InterfaceType = Extract<
  InterfaceConfig['type'],
  'TCPClientInterface' | 'TCPServerInterface' | 'UDPInterface' | 'AutoInterface'
>
export type InterfaceTest = Schemas['InterfaceTest']
export type Path = Schemas['PathView']
export type PathSort = 'hops' | 'recent' | 'expires' | 'destination'

const named = (name: string) => ({ params: { path: { name } } })
const pageSize = 200

export const networkResource: Resource<Network> = {
  key: ['network'],
  fetch: () => read(client.GET('/api/v1/network')),
}
export const hubsResource: Resource<Schemas['ListHubsOutputBody']> = {
  key: ['interfaces', 'hubs'],
  fetch: () => read(client.GET('/api/v1/network/hubs')),
}
export const devicesResource: Resource<Schemas['DeviceView'][]> = {
  key: ['devices'],
  fetch: async () => (await read(client.GET('/api/v1/network/devices'))).items ?? [],
}

export const interfacesResource: Resource<Schemas['ListInterfacesOutputBody']> = {
  key: ['interfaces'],
  fetch: () => read(client.GET('/api/v1/interfaces')),
}
export const createInterface = (body: InterfaceConfig): Promise<Interface> =>
  read(client.POST('/api/v1/interfaces', { body }))
export const replaceInterface = (name: string, body: InterfaceConfig): Promise<Interface> =>
  read(client.PUT('/api/v1/interfaces/{name}', { ...named(name), body }))
export const enableInterface = (name: string, enabled: boolean): Promise<Interface> =>
  read(client.PATCH('/api/v1/interfaces/{name}', { ...named(name), body: { enabled } }))
export const deleteInterface = (name: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/interfaces/{name}', named(name)))
export const testInterface = (body: InterfaceConfig): Promise<InterfaceTest> =>
  read(client.POST('/api/v1/interfaces/test', { body }))
export const parseInterfaces = (text: string): Promise<Schemas['ParseInterfacesOutputBody']> =>
  read(client.POST('/api/v1/interfaces/parse', { body: { text } }))

export const pathsResource = (
  q: string,
  sort: PathSort,
  pages: number,
): Resource<Schemas['ListPathsOutputBody']> => ({
  key: ['paths', q, sort, pages],
  fetch: () => listPaths(q, sort, pages),
  gap: 1000,
})

async function listPaths(q: string, sort: PathSort, pages: number): Promise<Schemas['ListPathsOutputBody']> {
  const items: Path[] = []
  let cursor: string | undefined
  for (let page = 0; ; page++) {
    const query = { sort, limit: pageSize, ...(q ? { q } : {}), ...(cursor ? { cursor } : {}) }
    const answer = await read(client.GET('/api/v1/paths', { params: { query } }))
    items.push(...(answer.items ?? []))
    cursor = answer.next_cursor
    if (cursor === undefined || cursor === '' || page + 1 >= pages) return { ...answer, items }
  }
}

const to = (destination: string) => ({ params: { path: { destination } } })
export const requestPath = (destination: string): Promise<unknown> =>
  read(client.POST('/api/v1/paths/{destination}/request', to(destination)))
export const dropPath = (destination: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/paths/{destination}', to(destination)))
