import { client, read, secondToken, signedOut, type Schemas } from './client'
import type { Resource } from './query'

export type Session = Schemas['SessionView']

/** Exchanges the token of a one-time address for a session of this browser. */
export async function exchangeToken(token: string): Promise<void> {
  const made = await read(client.POST('/api/v1/session', { body: { token } }))
  secondToken.set(made.second_token)
  signedOut.value = false
}

export const getSession = (): Promise<Session> => read(client.GET('/api/v1/session'))
export const statusResource: Resource<Schemas['Status']> = {
  key: ['status'],
  fetch: () => read(client.GET('/api/v1/status')),
}

export async function endSession(): Promise<void> {
  await read(client.DELETE('/api/v1/session'))
  secondToken.clear()
  signedOut.value = true
}

export const sessionsResource: Resource<Session[]> = {
  key: ['sessions'],
  fetch: async () => (await read(client.GET('/api/v1/sessions'))).items ?? [],
}
export const revokeSession = (session: string): Promise<unknown> =>
  read(client.DELETE('/api/v1/sessions/{session}', { params: { path: { session } } }))
