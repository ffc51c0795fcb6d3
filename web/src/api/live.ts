import { onServerEvent, type ServerEvent } from './events'
import { invalidate, resumeQueries, type QueryKey } from './query'

/** The keys an event makes stale: the whole mapping from what changed to what is fetched again. */
export function staleKeys(event: ServerEvent): QueryKey[] {
  const identity = event.identity ?? ''
  const { peer = '', message = '' } = event.ids
  switch (event.type) {
    case 'message.added':
    case 'message.changed':
    case 'message.removed':
      return [
        ['message', identity, message],
        ['diagnosis', identity, message],
        ['conversations', identity],
        ['conversation', identity, peer],
        ['identities'],
      ]
    case 'conversation.changed':
      return [['conversations', identity], ['conversation', identity, peer], ['identities']]
    case 'draft.changed':
      return [['conversations', identity]]
    case 'contact.changed':
    case 'blocked.changed':
      return [
        ['contacts', identity],
        ['person', identity, peer],
        ['heard', identity],
        ['conversations', identity],
        ['conversation', identity, peer],
      ]
    case 'announced':
      return [['identities'], ['network']]
    case 'profile.changed':
    case 'identities.changed':
      return [['identities'], ['settings'], ['setup']]
    case 'check.progress':
      return [['diagnosis', identity, message]]
    case 'settings.changed':
      return [['settings', identity], ['identities'], ['propagation'], ['host']]
    case 'heard.changed':
      return [['heard'], ['person'], ['contacts'], ['network'], ['nodes']]
    case 'interface.changed':
      return [['interfaces'], ['network'], ['setup']]
    case 'path.changed':
      return [['paths'], ['conversation'], ['person']]
    case 'sessions.changed':
      return [['sessions']]
    case 'network.changed':
      return [['network'], ['interfaces'], ['setup']]
    case 'setup.changed':
      return [['setup']]
    case 'propagation.changed':
      return identity === ''
        ? [['host'], ['nodes']]
        : [
            ['propagation', identity],
            ['nodes', identity],
          ]
    case 'reset':
      return [[]]
    case 'hello':
    case 'ping':
      return []
  }
}

/** Lets events keep the queries fresh. Call once. */
export function startLive(): void {
  let mounted = false
  onServerEvent((event) => {
    // What was fetched before the stream stood may already be old.
    if (event.type === 'hello' && !mounted) invalidate([])
    mounted = true
    for (const key of staleKeys(event)) invalidate(key)
  })
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) resumeQueries()
  })
}
