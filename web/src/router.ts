import { createRouter, createWebHistory, type RouteLocation, type RouteRecordRaw } from 'vue-router'
import { identitiesResource, type Identity } from '@/api/identities'
import { peek } from '@/api/query'
import { chooseIdentity, lastIdentity } from '@/features/identities/useIdentity'
import type { TextKey } from '@/lib/text'

declare module 'vue-router' {
  interface RouteMeta {
    section?: 'chats' | 'people' | 'network' | 'settings'
    title?: TextKey
    /** Drawn without the frame and without a session. */
    bare?: boolean
  }
}

const hash = '([0-9a-f]{32})'
const identity = `/i/:identity${hash}`
const chats = { section: 'chats', title: 'nav.chats' } as const
const people = { section: 'people', title: 'nav.people' } as const
const network = { section: 'network', title: 'nav.network' } as const
const settings = { section: 'settings', title: 'nav.settings' } as const

const showChat = (filter: string) => (to: RouteLocation) => ({
  name: 'chats',
  params: { identity: to.params['identity'] ?? '' },
  query: { show: filter },
})

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'home', component: () => import('@/shell/ShellHome.vue') },
  {
    path: '/welcome',
    name: 'welcome',
    component: () => import('@/features/welcome/WelcomePage.vue'),
    meta: { title: 'welcome.title' },
  },
  { path: `${identity}/chats/requests`, redirect: showChat('requests') },
  { path: `${identity}/chats/archived`, redirect: showChat('archived') },
  {
    path: `${identity}/chats/:peer${hash}?/:message([0-9a-f]{64})?`,
    name: 'chats',
    component: () => import('@/features/chats/ChatsPage.vue'),
    meta: chats,
  },
  {
    path: `${identity}/search`,
    name: 'search',
    component: () => import('@/features/chats/SearchPage.vue'),
    meta: { ...chats, title: 'search.title' },
  },
  {
    path: `${identity}/people`,
    name: 'contacts',
    component: () => import('@/features/people/PeopleContactsPage.vue'),
    meta: people,
  },
  {
    path: `${identity}/people/heard`,
    name: 'heard',
    component: () => import('@/features/people/PeopleHeardPage.vue'),
    meta: people,
  },
  {
    path: `${identity}/people/blocked`,
    name: 'blocked',
    component: () => import('@/features/people/PeopleBlockedPage.vue'),
    meta: people,
  },
  {
    path: `${identity}/people/:person${hash}`,
    name: 'person',
    component: () => import('@/features/people/PersonPage.vue'),
    meta: people,
  },
  {
    path: '/network',
    name: 'network',
    component: () => import('@/features/network/NetworkPage.vue'),
    meta: network,
  },
  {
    path: '/network/interfaces',
    name: 'interfaces',
    component: () => import('@/features/network/InterfacesPage.vue'),
    meta: network,
  },
  {
    path: '/network/interfaces/new/:type?',
    name: 'interface-new',
    component: () => import('@/features/network/InterfaceEditPage.vue'),
    meta: network,
  },
  {
    path: '/network/interfaces/edit/:name',
    name: 'interface-edit',
    component: () => import('@/features/network/InterfaceEditPage.vue'),
    meta: network,
  },
  {
    path: '/network/paths',
    name: 'paths',
    component: () => import('@/features/network/PathsPage.vue'),
    meta: network,
  },
  {
    path: '/network/propagation',
    name: 'propagation',
    component: () => import('@/features/propagation/PropagationPage.vue'),
    meta: network,
  },
  {
    path: '/settings',
    name: 'settings',
    component: () => import('@/features/settings/SettingsPage.vue'),
    meta: settings,
  },
  {
    path: `${identity}/settings`,
    name: 'identity-settings',
    component: () => import('@/features/settings/SettingsPage.vue'),
    meta: settings,
  },
  {
    path: '/identities',
    name: 'identities',
    component: () => import('@/features/identities/IdentitiesPage.vue'),
    meta: { ...settings, title: 'identities.title' },
  },
  {
    path: '/:rest(.*)*',
    name: 'missing',
    component: () => import('@/shell/ShellMissing.vue'),
    meta: { title: 'missing.title' },
  },
]

if (import.meta.env.DEV) {
  routes.unshift({
    path: '/kit',
    component: () => import('@/features/kit/KitPage.vue'),
    meta: { bare: true },
  })
}

export const router = createRouter({ history: createWebHistory(), routes })

router.afterEach((to) => {
  const named = to.params['identity']
  if (typeof named === 'string' && named !== '') lastIdentity.set(named)
})

/** The identity a link outside any identity should use now; empty until the list is known. */
export function currentIdentity(): string {
  return chooseIdentity(peek<Identity[]>(identitiesResource.key) ?? [], lastIdentity.get())
}
