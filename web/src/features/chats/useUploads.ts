import { computed, onScopeDispose, shallowReactive, type ComputedRef } from 'vue'
import { deleteUpload, type Upload } from '@/api/drafts'
import { ApiError } from '@/api/problem'
import { uploadFile } from '@/api/upload'

/** One file in the tray: on its way to the server, there, or refused. */
export interface TrayItem {
  key: number
  name: string
  size: number
  part: number
  upload: Upload | null
  error: unknown
  abort: () => void
}

export interface Uploads {
  items: TrayItem[]
  /** Ids of what has arrived, in the order of the tray. */
  ids: ComputedRef<string[]>
  busy: ComputedRef<boolean>
  bytes: ComputedRef<number>
  add: (files: Iterable<File>, kind?: 'auto' | 'file') => void
  /** Takes a file out of the tray and off the server. */
  remove: (key: number) => void
  move: (key: number, by: -1 | 1) => void
  restore: (uploads: readonly Upload[]) => void
  clear: () => void
}

/** Files for a message, sent to the server as soon as they are chosen. */
export function useUploads(identity: string, changed: () => void): Uploads {
  const items = shallowReactive<TrayItem[]>([])
  let next = 1

  function update(key: number, change: Partial<TrayItem>): void {
    const index = items.findIndex((item) => item.key === key)
    const item = items[index]
    if (item === undefined) return
    items[index] = { ...item, ...change }
  }

  async function send(
    key: number,
    file: File,
    kind: 'auto' | 'file',
    control: AbortController,
  ): Promise<void> {
    try {
      const upload = await uploadFile(identity, file, {
        kind,
        signal: control.signal,
        onProgress: (part) => update(key, { part }),
      })
      update(key, { upload, part: 1 })
      changed()
    } catch (error) {
      if (error instanceof ApiError && error.code === 'cancelled') return
      update(key, { error })
    }
  }

  function add(files: Iterable<File>, kind: 'auto' | 'file' = 'auto'): void {
    for (const file of files) {
      const key = next++
      const control = new AbortController()
      items.push({
        key,
        name: file.name,
        size: file.size,
        part: 0,
        upload: null,
        error: undefined,
        abort: () => control.abort(),
      })
      void send(key, file, kind, control)
    }
  }

  function remove(key: number): void {
    const index = items.findIndex((item) => item.key === key)
    const [item] = index < 0 ? [] : items.splice(index, 1)
    if (item === undefined) return
    item.abort()
    // The server lets go of staged files by itself; asking only makes it sooner.
    if (item.upload) deleteUpload(identity, item.upload.id).catch(() => undefined)
    changed()
  }

  function move(key: number, by: -1 | 1): void {
    const from = items.findIndex((item) => item.key === key)
    const to = from + by
    const item = items[from]
    if (item === undefined || to < 0 || to >= items.length) return
    items.splice(from, 1)
    items.splice(to, 0, item)
    changed()
  }

  function restore(uploads: readonly Upload[]): void {
    items.splice(
      0,
      items.length,
      ...uploads.map((upload) => ({
        key: next++,
        name: upload.name,
        size: upload.size,
        part: 1,
        upload,
        error: undefined,
        abort: () => undefined,
      })),
    )
  }

  function clear(): void {
    items.splice(0, items.length)
  }

  onScopeDispose(() => items.filter((item) => item.upload === null).forEach((item) => item.abort()))

  return {
    items,
    ids: computed(() => items.flatMap((item) => (item.upload ? [item.upload.id] : []))),
    busy: computed(() => items.some((item) => item.upload === null && item.error === undefined)),
    bytes: computed(() => items.reduce((sum, item) => sum + item.size, 0)),
    add,
    remove,
    move,
    restore,
    clear,
  }
}
