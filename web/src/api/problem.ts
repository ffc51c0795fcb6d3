import { hasText, text, type TextParams } from '@/lib/text'
import type { components } from './schema.gen'

type ProblemDocument = components['schemas']['Problem']

/**
 * A refused or failed call. The code is stable and comes from the server; two are made
 * here: `server_lost` when nothing answered, `bad_answer` when something else did.
 */
export class ApiError extends Error {
  readonly code: string
  readonly status: number
  readonly fields: readonly { location: string; message: string }[]
  readonly params: TextParams

  constructor(code: string, status: number, document?: Partial<ProblemDocument>) {
    super(document?.detail ?? code)
    this.name = 'ApiError'
    this.code = code
    this.status = status
    this.fields = (document?.errors ?? []).map((field) => ({
      location: field.location ?? '',
      message: field.message,
    }))
    this.params = (document?.params ?? {}) as TextParams
  }

  /** Reads an error body, whatever it turned out to be. */
  static from(status: number, body: unknown): ApiError {
    if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string') {
      return new ApiError(body.code, status, body as ProblemDocument)
    }
    return new ApiError('bad_answer', status)
  }
}

/** The sentence for people. Codes without a text of their own keep the technical detail. */
export function problemText(error: unknown): string {
  if (!(error instanceof ApiError)) return text('problem.unknown')
  const key = `problem.${error.code}`
  if (hasText(key)) return text(key, error.params)
  return error.message !== error.code && error.message !== '' ? error.message : text('problem.unknown')
}

/** The code for a report; empty for what is not a problem of the server. */
export function problemCode(error: unknown): string {
  return error instanceof ApiError ? error.code : ''
}
