import type { ComputedRef, InjectionKey, Ref } from 'vue'
import type { MessageActions } from './useMessageActions'

/** What the parts of an open chat share. */
export interface ChatContext {
  identity: string
  peer: string
  name: ComputedRef<string>
  actions: MessageActions
  jump: (message: string) => void
  /** What is looked for in this chat, and the message it was found in. */
  find: Readonly<Ref<{ words: string; hit: string }>>
}

export const chatKey: InjectionKey<ChatContext> = Symbol('chat')
