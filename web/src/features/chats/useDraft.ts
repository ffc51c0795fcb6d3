import { onScopeDispose, ref, watch, type Ref } from 'vue'
import { deleteDraft, getDraft, putDraft, type Draft, type PutDraft } from '@/api/drafts'
import { onServerEvent } from '@/api/events'
import { ApiError } from '@/api/problem'
import { useUploads, type Uploads } from './useUploads'

/** Quiet time after the last keystroke before a draft is saved. */
const saveAfter = 800

export interface DraftState {
  text: Ref<string>
  replyTo: Ref<string>
  uploads: Uploads
  load: () => Promise<void>
  /** Empties the draft here and on the server, as after sending. */
  clear: () => void
}

/** Unsent words of this tab: they outlive a lost server and a reload, not the tab. */
export const unsent = {
  key: (identity: string, peer: string): string => `mcx.unsent:${identity}:${peer}`,
  get(identity: string, peer: string): string | null {
    return sessionStorage.getItem(this.key(identity, peer))
  },
  set(identity: string, peer: string, text: string): void {
    try {
      sessionStorage.setItem(this.key(identity, peer), text)
    } catch {
      // Full storage: the server's draft is still there.
    }
  },
  drop(identity: string, peer: string): void {
    sessionStorage.removeItem(this.key(identity, peer))
  },
}

/** The draft of a conversation: on the server for every browser, in the tab until it is there. */
export function useDraft(identity: string, peer: string): DraftState {
  const text = ref('')
  const replyTo = ref('')
  let version = 0
  let dirty = false
  let taking = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let line: Promise<unknown> = Promise.resolve()
  const uploads = useUploads(identity, later)

  function take(draft: Draft): void {
    taking = true
    text.value = draft.text
    replyTo.value = draft.reply_to
    uploads.restore(draft.attachments)
    version = draft.version
    taking = false
  }

  function later(): void {
    dirty = true
    clearTimeout(timer)
    timer = setTimeout(save, saveAfter)
  }

  const blank = (): boolean =>
    text.value.trim() === '' && uploads.ids.value.length === 0 && replyTo.value === ''

  async function write(): Promise<void> {
    const sent = text.value
    if (blank()) {
      if (version !== 0) await deleteDraft(identity, peer)
      version = 0
    } else {
      const body: PutDraft = { text: sent, reply_to: replyTo.value, attachments: uploads.ids.value, version }
      version = (await putDraft(identity, peer, body)).version
    }
    if (text.value === sent) {
      dirty = false
      unsent.drop(identity, peer)
    }
  }

  async function save(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    line = line.then(async () => {
      try {
        await write()
      } catch (error) {
        // Someone saved from another browser: the words being typed here win.
        if (!(error instanceof ApiError) || error.code !== 'draft_conflict') return
        version = (await getDraft(identity, peer)).version
        await write().catch(() => undefined)
      }
    })
    await line
  }

  async function load(): Promise<void> {
    const kept = unsent.get(identity, peer)
    try {
      const draft = await getDraft(identity, peer)
      // Whoever types faster than the server answers keeps what was typed.
      if (dirty) version = draft.version
      else take(draft)
    } catch {
      // Without the server the words of the tab are all there is.
    }
    if (!dirty && kept !== null && kept !== text.value) text.value = kept
  }

  function clear(): void {
    clearTimeout(timer)
    taking = true
    text.value = ''
    replyTo.value = ''
    uploads.clear()
    taking = false
    dirty = false
    unsent.drop(identity, peer)
    void save()
  }

  watch(
    [text, replyTo],
    () => {
      if (taking) return
      unsent.set(identity, peer, text.value)
      later()
    },
    { flush: 'sync' },
  )
  const off = onServerEvent((event) => {
    if (event.type !== 'draft.changed' || event.identity !== identity || event.ids.peer !== peer) return
    if (!dirty)
      void getDraft(identity, peer).then((draft) =>
        dirty || draft.version === version ? undefined : take(draft),
      )
  })
  onScopeDispose(() => {
    off()
    if (dirty) void save()
  })
  return { text, replyTo, uploads, load, clear }
}
