import { ref, watch, type Ref } from 'vue'
import { useRoute, useRouter, type LocationQuery } from 'vue-router'
import type { HeardFilter } from '@/api/people'

export const heardKinds = ['all', 'person', 'propagation', 'page', 'phone', 'other'] as const
export const heardSorts = ['recent', 'name', 'hops', 'first', 'count'] as const

/** Reads a filter from the address; what makes no sense there counts as absent. */
export function readHeardFilter(query: LocationQuery): HeardFilter {
  const number = (value: unknown): number => {
    const parsed = typeof value === 'string' ? Number.parseInt(value, 10) : Number.NaN
    return Number.isFinite(parsed) && parsed > 0 ? parsed : 0
  }
  return {
    kind: heardKinds.find((kind) => kind === query['kind']) ?? 'all',
    sort: heardSorts.find((sort) => sort === query['sort']) ?? 'recent',
    q: typeof query['q'] === 'string' ? query['q'] : '',
    hops: number(query['hops']),
    within: number(query['within']),
    named: query['named'] === '1',
  }
}

/** Only what differs from the default goes into the address. */
export function writeHeardFilter(filter: HeardFilter): Record<string, string> {
  return {
    ...(filter.kind === 'all' ? {} : { kind: filter.kind }),
    ...(filter.sort === 'recent' ? {} : { sort: filter.sort }),
    ...(filter.q === '' ? {} : { q: filter.q }),
    ...(filter.hops === 0 ? {} : { hops: String(filter.hops) }),
    ...(filter.within === 0 ? {} : { within: String(filter.within) }),
    ...(filter.named ? { named: '1' } : {}),
  }
}

/** The filter of the list of heard destinations. It lives in the address, so it can be shared and kept. */
export function useHeardFilter(): Ref<HeardFilter> {
  const route = useRoute()
  const router = useRouter()
  const filter = ref(readHeardFilter(route.query))
  watch(filter, () => void router.replace({ query: writeHeardFilter(filter.value) }))
  return filter
}
