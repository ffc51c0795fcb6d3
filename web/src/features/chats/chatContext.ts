import type { ComputedRef, InjectionKey } from 'vue'
import type { MessageActions } from './useMessageActions'

/** What the parts of an open chat share. */
export interface ChatContext {
  identity: string
  peer: string
  name: ComputedRef<string>
  actions: MessageActions
  jump: (message: string) => void
}

export const chatKey: InjectionKey<ChatContext> = Symbol('chat')
