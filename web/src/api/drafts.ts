import { client, read, type Schemas } from './client'

export type Draft = Schemas['DraftView']
export type Upload = Schemas['UploadView']
export type PutDraft = Schemas['PutDraftInputBody']

const at = (identity: string, peer: string) => ({ params: { path: { identity, peer } } })

export const getDraft = (identity: string, peer: string): Promise<Draft> =>
  read(client.GET('/api/v1/identities/{identity}/conversations/{peer}/draft', at(identity, peer)))
export const putDraft = (identity: string, peer: string, body: PutDraft): Promise<Draft> =>
  read(
    client.PUT('/api/v1/identities/{identity}/conversations/{peer}/draft', { ...at(identity, peer), body }),
  )
export const deleteDraft = (identity: string, peer: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/identities/{identity}/conversations/{peer}/draft', at(identity, peer)))
export const deleteUpload = (identity: string, upload: string): Promise<unknown> =>
  read(
    client.DELETE('/api/v1/identities/{identity}/uploads/{upload}', {
      params: { path: { identity, upload } },
    }),
  )
