import { blockPeer, unblockPeer } from '@/api/conversations'
import { requestPath } from '@/api/network'
import { deleteContact } from '@/api/people'
import { problemText } from '@/api/problem'
import { askConfirm } from '@/kit/confirm'
import { showToast } from '@/kit/toast'
import { useText } from '@/lib/text'

/** What can be done with a person, with the questions that go before it. */
export function usePersonActions(identity: () => string, address: () => string, done: () => void) {
  const { t } = useText()

  async function run(work: () => Promise<unknown>, said?: string): Promise<void> {
    try {
      await work()
      if (said) showToast(said)
      done()
    } catch (error) {
      showToast(problemText(error), { tone: 'err' })
    }
  }

  async function block(name: string): Promise<void> {
    const yes = await askConfirm({
      title: t('person.blockTitle', { name }),
      text: t('person.blockText'),
      confirm: t('chat.block'),
      danger: true,
    })
    if (yes) await run(() => blockPeer(identity(), address()))
  }

  async function forget(name: string): Promise<void> {
    const yes = await askConfirm({
      title: t('person.removeTitle', { name }),
      text: t('person.removeText'),
      confirm: t('person.removeContact'),
      danger: true,
    })
    if (yes) await run(() => deleteContact(identity(), address()))
  }

  return {
    block,
    forget,
    unblock: () => run(() => unblockPeer(identity(), address())),
    lookForPath: () => run(() => requestPath(address()), t('why.done.request_path')),
  }
}
