import { cancelMessage, deleteMessage, retryMessage, type Message } from '@/api/messages'
import { problemText } from '@/api/problem'
import { askConfirm } from '@/kit/confirm'
import type { MenuItem } from '@/kit/menu'
import { showToast } from '@/kit/toast'
import { copyText } from '@/lib/clipboard'
import { useText } from '@/lib/text'

export type MessageAction = 'reply' | 'copy' | 'retry' | 'cancel' | 'details' | 'delete'

export interface MessageActions {
  menu: (message: Message) => MenuItem<MessageAction>[]
  run: (action: MessageAction, message: Message) => void
}

/** What can be done with a message now: the same list for the menu, the keyboard and the buttons. */
export function useMessageActions(
  identity: string,
  hooks: { details: (message: string) => void; reply: (message: Message) => void },
): MessageActions {
  const { t } = useText()

  function menu(message: Message): MenuItem<MessageAction>[] {
    const items: MenuItem<MessageAction>[] = [{ key: 'reply', label: t('message.reply'), icon: 'reply' }]
    if (message.content !== '') items.push({ key: 'copy', label: t('message.copy'), icon: 'copy' })
    const delivery = message.delivery
    if (delivery?.retryable) items.push({ key: 'retry', label: t('message.retry'), icon: 'refresh-cw' })
    if (delivery !== undefined && !delivery.final)
      items.push({ key: 'cancel', label: t('message.cancel'), icon: 'x' })
    items.push({ key: 'details', label: t('message.details'), icon: 'info' })
    items.push({ key: 'delete', label: t('message.delete'), icon: 'trash-2', danger: true, separate: true })
    return items
  }

  async function attempt(work: Promise<unknown>): Promise<void> {
    try {
      await work
    } catch (error) {
      showToast(problemText(error), { tone: 'err' })
    }
  }

  async function remove(message: Message): Promise<void> {
    const yes = await askConfirm({
      title: t('message.deleteTitle'),
      text: t(message.direction === 'out' ? 'message.deleteOwnText' : 'message.deleteText'),
      confirm: t('message.delete'),
      danger: true,
    })
    if (yes) await attempt(deleteMessage(identity, message.id))
  }

  function run(action: MessageAction, message: Message): void {
    switch (action) {
      case 'reply':
        return hooks.reply(message)
      case 'copy':
        return void copyText(message.content)
      case 'retry':
        return void attempt(retryMessage(identity, message.id))
      case 'cancel':
        return void attempt(cancelMessage(identity, message.id))
      case 'details':
        return hooks.details(message.id)
      case 'delete':
        return void remove(message)
    }
  }
  return { menu, run }
}
