import { showToast } from '@/kit/toast'
import { text } from './text'

/** Copies and says so. Where the clipboard is refused, says that instead. */
export async function copyText(value: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(value)
    showToast(text('kit.copied'))
  } catch {
    showToast(text('kit.copyFailed'), { tone: 'err' })
  }
}
