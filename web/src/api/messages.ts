import { client, read, type Schemas } from './client'
import type { Resource } from './query'

export type Message = Schemas['MessageView']
export type MessagePage = Schemas['MessagePage']
export type Attachment = Schemas['AttachmentView']
export type Delivery = Schemas['DeliveryView']
export type MessageEvent = Schemas['MessageEventView']
export type Diagnosis = Schemas['Diagnosis']
export type SearchHit = Schemas['SearchHit']
export type Send = Schemas['SendMessage']

/** Which window of a conversation is asked for; nothing means the newest. */
export interface WindowQuery {
  before?: string
  after?: string
  around?: string
  limit?: number
}

const at = (identity: string, message: string) => ({ params: { path: { identity, message } } })

export const listMessages = (identity: string, peer: string, query: WindowQuery): Promise<MessagePage> =>
  read(
    client.GET('/api/v1/identities/{identity}/conversations/{peer}/messages', {
      params: { path: { identity, peer }, query },
    }),
  )
export const getMessage = (identity: string, message: string): Promise<Message> =>
  read(client.GET('/api/v1/identities/{identity}/messages/{message}', at(identity, message)))
export const sendMessage = (identity: string, body: Send): Promise<Schemas['MessageRef']> =>
  read(client.POST('/api/v1/identities/{identity}/messages', { params: { path: { identity } }, body }))
export const cancelMessage = (identity: string, message: string): Promise<unknown> =>
  read(client.POST('/api/v1/identities/{identity}/messages/{message}/cancel', at(identity, message)))
export const retryMessage = (identity: string, message: string): Promise<unknown> =>
  read(client.POST('/api/v1/identities/{identity}/messages/{message}/retry', at(identity, message)))
export const deleteMessage = (identity: string, message: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/identities/{identity}/messages/{message}', at(identity, message)))

export const diagnosisResource = (identity: string, message: string): Resource<Diagnosis> => ({
  key: ['diagnosis', identity, message],
  fetch: () =>
    read(client.GET('/api/v1/identities/{identity}/messages/{message}/diagnosis', at(identity, message))),
})
export const runChecks = (identity: string, message: string): Promise<Diagnosis> =>
  read(client.POST('/api/v1/identities/{identity}/messages/{message}/diagnosis', at(identity, message)))

export const searchMessages = (
  identity: string,
  q: string,
  peer: string,
  cursor = '',
): Promise<Schemas['SearchOutputBody']> =>
  read(
    client.GET('/api/v1/identities/{identity}/search', {
      params: {
        path: { identity },
        query: { q, limit: 50, ...(peer ? { peer } : {}), ...(cursor ? { cursor } : {}) },
      },
    }),
  )

/** The address of an attachment's bytes; `download` asks for a file to keep. */
export function attachmentUrl(attachment: Attachment, download = false): string {
  return download
    ? `${attachment.url}${attachment.url.includes('?') ? '&' : '?'}download=true`
    : attachment.url
}
