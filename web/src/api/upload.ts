import type { Schemas } from './client'
import { secondToken } from './client'
import { ApiError } from './problem'

export interface UploadOptions {
  /** `file`: keep it a file even if it is a picture. */
  kind: 'auto' | 'file'
  onProgress: (part: number) => void
  signal: AbortSignal
}

function answerOf(request: XMLHttpRequest): unknown {
  try {
    return JSON.parse(request.responseText)
  } catch {
    return null
  }
}

/** Streams a file to the server, which stages it for a message. XMLHttpRequest, because only it tells progress of sending. */
export function uploadFile(
  identity: string,
  file: File,
  options: UploadOptions,
): Promise<Schemas['UploadView']> {
  return new Promise((resolve, reject) => {
    const query = new URLSearchParams({ name: file.name, type: file.type, kind: options.kind })
    const request = new XMLHttpRequest()
    request.open('POST', `/api/v1/identities/${identity}/uploads?${query}`)
    request.setRequestHeader('X-Second-Token', secondToken.get())
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) options.onProgress(event.loaded / event.total)
    })
    request.addEventListener('load', () => {
      const body = answerOf(request)
      if (request.status >= 200 && request.status < 300) resolve(body as Schemas['UploadView'])
      else reject(ApiError.from(request.status, body))
    })
    request.addEventListener('error', () => reject(new ApiError('server_lost', 0)))
    request.addEventListener('abort', () => reject(new ApiError('cancelled', 0)))
    options.signal.addEventListener('abort', () => request.abort())
    request.send(file)
  })
}
