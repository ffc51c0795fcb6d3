import { computed, type ComputedRef } from 'vue'
import { useRoute } from 'vue-router'
import { identitiesResource, type Identity } from '@/api/identities'
import { useQuery } from '@/api/query'

const lastKey = 'mcx.identity'

/** The identity this browser used last: where `/` leads and what pages outside an identity show. */
export const lastIdentity = {
  get: (): string => localStorage.getItem(lastKey) ?? '',
  set: (hash: string): void => localStorage.setItem(lastKey, hash),
}

export interface CurrentIdentity {
  /** Hash of the identity of the route, or the last one used, or the first; empty until known. */
  id: ComputedRef<string>
  identity: ComputedRef<Identity | undefined>
  all: ComputedRef<Identity[]>
}

/** The identity of the page. The server knows no current one: the address says which it is. */
export function useIdentity(): CurrentIdentity {
  const route = useRoute()
  const { data } = useQuery(identitiesResource)
  const all = computed(() => data.value ?? [])
  const id = computed(() => {
    const named = route.params['identity']
    if (typeof named === 'string' && named !== '') return named
    return chooseIdentity(all.value, lastIdentity.get())
  })
  const identity = computed(() => all.value.find((one) => one.hash === id.value))
  return { id, identity, all }
}

/** The identity named by the address of this page. A page that is being left keeps the one it had. */
export function useRouteIdentity(): ComputedRef<string> {
  const route = useRoute()
  let last = ''
  return computed(() => {
    const named = route.params['identity']
    if (typeof named === 'string' && named !== '') last = named
    return last
  })
}

/** The last used identity if it is still there, else the first enabled, else the first. */
export function chooseIdentity(all: readonly Identity[], last: string): string {
  const found = all.find((one) => one.hash === last) ?? all.find((one) => one.enabled) ?? all[0]
  return found?.hash ?? ''
}

/** What to call an identity or a person: the name, or a word for those without one. */
export function identityName(identity: { display_name: string } | undefined, anonymous: string): string {
  return identity?.display_name || anonymous
}
