import { client, read, type Schemas } from './client'
import type { Resource } from './query'

export type Heard = Schemas['HeardView']
export type HeardList = Schemas['ListHeardOutputBody']
export type Contact = Schemas['ContactView']
export type Person = Schemas['PersonView']
export type HeardKind = Heard['kind']

export interface HeardFilter {
  kind: 'all' | HeardKind
  q: string
  hops: number
  within: number
  named: boolean
  sort: 'recent' | 'name' | 'hops' | 'first' | 'count'
}

const pageSize = 200

export const heardResource = (identity: string, filter: HeardFilter, pages: number): Resource<HeardList> => ({
  key: ['heard', identity, JSON.stringify(filter), pages],
  fetch: () => listHeard(identity, filter, pages),
  gap: 1000,
})

/** The first pages of what was heard as one list. */
async function listHeard(identity: string, filter: HeardFilter, pages: number): Promise<HeardList> {
  const items: Heard[] = []
  let cursor: string | undefined
  for (let page = 0; ; page++) {
    const query = {
      kind: filter.kind,
      sort: filter.sort,
      limit: pageSize,
      ...(filter.q ? { q: filter.q } : {}),
      ...(filter.hops ? { hops: filter.hops } : {}),
      ...(filter.within ? { within_s: filter.within } : {}),
      ...(filter.named ? { named: true } : {}),
      ...(cursor ? { cursor } : {}),
    }
    const answer = await read(
      client.GET('/api/v1/identities/{identity}/people', { params: { path: { identity }, query } }),
    )
    items.push(...(answer.items ?? []))
    cursor = answer.next_cursor
    if (cursor === undefined || cursor === '' || page + 1 >= pages) return { ...answer, items }
  }
}

export const contactsResource = (identity: string, q: string): Resource<Contact[]> => ({
  key: ['contacts', identity, q],
  fetch: () => listContacts(identity, q),
})
export const personResource = (identity: string, peer: string): Resource<Person> => ({
  key: ['person', identity, peer],
  fetch: () => read(client.GET('/api/v1/identities/{identity}/people/{peer}', at(identity, peer))),
})
const at = (identity: string, peer: string) => ({ params: { path: { identity, peer } } })

async function listContacts(identity: string, q: string): Promise<Contact[]> {
  const items: Contact[] = []
  let cursor: string | undefined
  do {
    const query = { limit: pageSize, ...(q ? { q } : {}), ...(cursor ? { cursor } : {}) }
    const answer = await read(
      client.GET('/api/v1/identities/{identity}/contacts', { params: { path: { identity }, query } }),
    )
    items.push(...(answer.items ?? []))
    cursor = answer.next_cursor
  } while (cursor !== undefined && cursor !== '')
  return items
}

export const createContact = (identity: string, body: Schemas['CreateContactInputBody']): Promise<Contact> =>
  read(client.POST('/api/v1/identities/{identity}/contacts', { params: { path: { identity } }, body }))
export const updateContact = (
  identity: string,
  peer: string,
  body: Schemas['UpdateContactInputBody'],
): Promise<Contact> =>
  read(client.PATCH('/api/v1/identities/{identity}/contacts/{peer}', { ...at(identity, peer), body }))
export const deleteContact = (identity: string, peer: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/identities/{identity}/contacts/{peer}', at(identity, peer)))
