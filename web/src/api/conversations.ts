import { client, read, type Schemas } from './client'
import type { Resource } from './query'

export type Conversation = Schemas['ConversationView']
export type ConversationDetail = Schemas['ConversationDetail']
export type ConversationFilter = 'all' | 'unread' | 'failed' | 'archived' | 'requests'
export type ConversationList = Schemas['ListConversationsOutputBody']
export type Route = Schemas['RouteView']

const pageSize = 200

/** The first pages of the list as one. */
async function listConversations(
  identity: string,
  filter: ConversationFilter,
  q: string,
  pages: number,
): Promise<ConversationList> {
  const items: Conversation[] = []
  let cursor: string | undefined
  for (let page = 0; ; page++) {
    const query = { filter, limit: pageSize, ...(q ? { q } : {}), ...(cursor ? { cursor } : {}) }
    const answer = await read(
      client.GET('/api/v1/identities/{identity}/conversations', { params: { path: { identity }, query } }),
    )
    items.push(...(answer.items ?? []))
    cursor = answer.next_cursor
    if (cursor === undefined || cursor === '' || page + 1 >= pages) return { ...answer, items }
  }
}

const at = (identity: string, peer: string) => ({ params: { path: { identity, peer } } })

export const conversationsResource = (
  identity: string,
  filter: ConversationFilter,
  q: string,
  pages: number,
): Resource<ConversationList> => ({
  key: ['conversations', identity, filter, q, pages],
  fetch: () => listConversations(identity, filter, q, pages),
})

export const conversationResource = (identity: string, peer: string): Resource<ConversationDetail> => ({
  key: ['conversation', identity, peer],
  fetch: () => getConversation(identity, peer),
})

export const getConversation = (identity: string, peer: string): Promise<ConversationDetail> =>
  read(client.GET('/api/v1/identities/{identity}/conversations/{peer}', at(identity, peer)))
export const updateConversation = (
  identity: string,
  peer: string,
  body: Schemas['UpdateConversationInputBody'],
): Promise<ConversationDetail> =>
  read(client.PATCH('/api/v1/identities/{identity}/conversations/{peer}', { ...at(identity, peer), body }))
export const deleteConversation = (identity: string, peer: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/identities/{identity}/conversations/{peer}', at(identity, peer)))
export const markRead = (identity: string, peer: string, upTo: string): Promise<unknown> =>
  read(
    client.POST('/api/v1/identities/{identity}/conversations/{peer}/read', {
      ...at(identity, peer),
      body: { up_to: upTo },
    }),
  )
export const retryFailed = (identity: string, peer: string): Promise<Schemas['RetryFailedOutputBody']> =>
  read(client.POST('/api/v1/identities/{identity}/conversations/{peer}/retry', at(identity, peer)))
export const blockPeer = (identity: string, peer: string): Promise<unknown> =>
  read(client.PUT('/api/v1/identities/{identity}/blocked/{peer}', at(identity, peer)))
export const unblockPeer = (identity: string, peer: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/identities/{identity}/blocked/{peer}', at(identity, peer)))
export const blockedResource = (identity: string): Resource<Schemas['BlockedView'][]> => ({
  key: ['contacts', identity, 'blocked'],
  fetch: async () =>
    (await read(client.GET('/api/v1/identities/{identity}/blocked', { params: { path: { identity } } })))
      .items ?? [],
})
