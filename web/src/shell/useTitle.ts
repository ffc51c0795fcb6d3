import { computed, watchEffect } from 'vue'
import { useRoute } from 'vue-router'
import { useIdentity } from '@/features/identities/useIdentity'
import { formatCount } from '@/lib/format'
import { useText, type TextKey } from '@/lib/text'

/** Keeps the title of the window and its icon in step with the page and with what is unread. */
export function useTitle(): void {
  const route = useRoute()
  const { all } = useIdentity()
  const { t } = useText()
  const unread = computed(() => all.value.reduce((sum, one) => sum + one.unread, 0))
  watchEffect(() => {
    const page = t((route.meta.title ?? 'app.name') as TextKey)
    const name = t('app.name')
    const base = page === name ? name : `${page} · ${name}`
    document.title = unread.value > 0 ? `(${formatCount(unread.value)}) ${base}` : base
    const icon = document.getElementById('favicon')
    icon?.setAttribute('href', unread.value > 0 ? '/icon-unread.svg' : '/icon.svg')
  })
}
