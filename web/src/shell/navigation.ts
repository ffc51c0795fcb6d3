import { computed, type ComputedRef } from 'vue'
import { useRoute, type RouteLocationRaw } from 'vue-router'
import { useIdentity } from '@/features/identities/useIdentity'
import type { IconName } from '@/kit/icons'
import type { TextKey } from '@/lib/text'

export interface Destination {
  key: 'chats' | 'people' | 'network' | 'settings'
  label: TextKey
  icon: IconName
  to: RouteLocationRaw
  current: boolean
  unread: number
}

/** The places of the main navigation, in the order they have everywhere. */
export function useNavigation(): ComputedRef<Destination[]> {
  const route = useRoute()
  const { id, identity } = useIdentity()
  return computed(() => {
    const section = route.meta.section
    // Until the identities are known, every way leads through the start page.
    const of = (name: string): RouteLocationRaw =>
      id.value === '' ? '/' : { name, params: { identity: id.value } }
    const places: Omit<Destination, 'current'>[] = [
      {
        key: 'chats',
        label: 'nav.chats',
        icon: 'message-circle',
        to: of('chats'),
        unread: identity.value?.unread ?? 0,
      },
      { key: 'people', label: 'nav.people', icon: 'users-round', to: of('contacts'), unread: 0 },
      { key: 'network', label: 'nav.network', icon: 'network', to: { name: 'network' }, unread: 0 },
      { key: 'settings', label: 'nav.settings', icon: 'settings', to: { name: 'settings' }, unread: 0 },
    ]
    return places.map((place) => ({ ...place, current: section === place.key }))
  })
}
