import { shallowRef } from 'vue'

export interface Confirmation {
  title: string
  text: string
  confirm: string
  danger?: boolean
  /** When set, this word must be typed before the button works. */
  typed?: string
}

interface Pending extends Confirmation {
  answer: (yes: boolean) => void
}

/** The question on screen, if any; drawn once by KitConfirm in the shell. */
export const pendingConfirmation = shallowRef<Pending | null>(null)

/** Asks and resolves with the answer. Closing the dialog is a no. */
export function askConfirm(question: Confirmation): Promise<boolean> {
  pendingConfirmation.value?.answer(false)
  return new Promise((resolve) => {
    pendingConfirmation.value = {
      ...question,
      answer: (yes) => {
        pendingConfirmation.value = null
        resolve(yes)
      },
    }
  })
}
