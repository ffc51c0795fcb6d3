import createClient, { type Middleware } from 'openapi-fetch'
import { ref } from 'vue'
import { ApiError } from './problem'
import type { components, paths } from './schema.gen'

/** The types of the interface description, by name. */
export type Schemas = components['schemas']

const tokenKey = 'mcx.second'

/** The second token of the session: proof that this page, and not another origin, is asking. */
export const secondToken = {
  get: (): string => localStorage.getItem(tokenKey) ?? '',
  set: (token: string): void => localStorage.setItem(tokenKey, token),
  clear: (): void => localStorage.removeItem(tokenKey),
}

/** True once a call was refused for want of a session. */
export const signedOut = ref(false)

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET') request.headers.set('X-Second-Token', secondToken.get())
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== '/api/v1/session') signedOut.value = true
  },
  onError() {
    return new ApiError('server_lost', 0)
  },
}

/** The one typed door to the server. Only files of this folder use it. */
export const client = createClient<paths>({ baseUrl: location.origin, credentials: 'same-origin' })
client.use(guard)

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The body of a good answer; anything else is thrown as an ApiError. */
export async function read<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok) throw ApiError.from(response.status, error)
  return data as T
}
