import { sendMessage, type Send } from '@/api/messages'
import { unsent, type DraftState } from './useDraft'

/** Now as the settings say; when they are next heard; never, or at once, by way of a propagation node. */
export type SendWay = 'now' | 'heard' | 'direct' | 'propagated'

/** A name for one wish to send: repeating the same wish makes no second message. */
function wishId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * Sends what the draft holds. The field empties at once; when the server refuses or is
 * gone, the words come back and the next try carries the same client id.
 */
export function useSend(
  identity: string,
  peer: string,
  draft: DraftState,
): { send: (way: SendWay) => Promise<unknown> } {
  let failed: { body: string; id: string; at: number } | null = null

  async function send(way: SendWay): Promise<unknown> {
    const content = draft.text.value.trim()
    const replyTo = draft.replyTo.value
    const items = [...draft.uploads.items]
    const wish: Omit<Send, 'client_id' | 'written_at'> = {
      peer,
      content,
      method: way === 'direct' || way === 'propagated' ? way : 'auto',
      renderer: 'plain',
      draft: 'sent',
      when: way === 'heard' ? 'heard' : 'now',
      ...(replyTo ? { reply_to: replyTo } : {}),
      attachments: [...draft.uploads.ids.value],
    }
    const body = JSON.stringify(wish)
    const again = failed?.body === body ? failed : null
    const id = again?.id ?? wishId()
    const at = again?.at ?? Date.now()
    draft.text.value = ''
    unsent.set(identity, peer, content)
    try {
      await sendMessage(identity, { ...wish, client_id: id, written_at: at })
      failed = null
      const typed = draft.text.value
      draft.clear()
      draft.text.value = typed
      return undefined
    } catch (error) {
      failed = { body, id, at }
      draft.text.value = draft.text.value === '' ? content : `${content}\n${draft.text.value}`
      draft.replyTo.value = replyTo
      if (draft.uploads.items.length === 0)
        draft.uploads.restore(items.flatMap((item) => (item.upload ? [item.upload] : [])))
      return error
    }
  }
  return { send }
}
