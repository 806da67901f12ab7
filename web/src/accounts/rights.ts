/** Which pages and buttons a person is offered. The service checks every right again. */
import type { Session } from '../api/model'

export type Permission =
  | 'users.manage'
  | 'rooms.manage'
  | 'classes.manage'
  | 'lessons.book'
  | 'lessons.observe'
  | 'usage.read'
  | 'organisations.manage'
  | 'terms.manage'
  | 'plans.manage'

export function may(session: Session | null, permission: Permission): boolean {
  return session?.permissions.includes(permission) ?? false
}

export interface Destination {
  to: string
  /** Message key of its name. */
  label: string
  icon: 'home' | 'notices' | 'lessons' | 'week' | 'events' | 'planning' | 'recordings' | 'reviews' | 'usage' | 'rooms' | 'people' | 'organisation' | 'exchange'
}

const destinations: (Destination & { needs?: Permission })[] = [
  { to: '/', label: 'shell.nav.home', icon: 'home' },
  { to: '/notices', label: 'shell.nav.notices', icon: 'notices' },
  { to: '/lessons', label: 'shell.nav.lessons', icon: 'lessons' },
  { to: '/week', label: 'shell.nav.week', icon: 'week', needs: 'lessons.book' },
  { to: '/events', label: 'shell.nav.events', icon: 'events' },
  { to: '/recordings', label: 'shell.nav.recordings', icon: 'recordings' },
  { to: '/reviews', label: 'shell.nav.reviews', icon: 'reviews' },
  { to: '/planning', label: 'shell.nav.planning', icon: 'planning', needs: 'plans.manage' },
  { to: '/usage', label: 'shell.nav.usage', icon: 'usage', needs: 'usage.read' },
  { to: '/rooms', label: 'shell.nav.rooms', icon: 'rooms', needs: 'rooms.manage' },
  { to: '/people', label: 'shell.nav.people', icon: 'people', needs: 'users.manage' },
  { to: '/organisation', label: 'shell.nav.organisation', icon: 'organisation', needs: 'users.manage' },
  { to: '/exchange', label: 'shell.nav.exchange', icon: 'exchange', needs: 'users.manage' },
]

export function destinationsOf(session: Session): Destination[] {
  return destinations.filter(({ needs }) => !needs || may(session, needs))
}

/** Where a sign-in may lead: a path of this site, never another host. */
export function safeNext(next: unknown): string {
  if (typeof next !== 'string' || !next.startsWith('/')) return '/'
  // `//host` and `/\host` leave the site in browsers.
  if (next.startsWith('//') || next.includes('\\')) return '/'
  return next.startsWith('/login') ? '/' : next
}
