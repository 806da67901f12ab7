/** Which roles an administrator may grant, and where a person of a role can belong. The service checks again. */
import type { OrganisationKind, Role } from '../api/model'

const administrators: Role[] = ['system_administrator', 'prefecture_administrator', 'county_administrator', 'school_administrator']
const others: Role[] = ['teacher', 'researcher', 'inspector']
const places: Partial<Record<Role, OrganisationKind[]>> = {
  prefecture_administrator: ['nation', 'province', 'prefecture'],
  county_administrator: ['county'],
  school_administrator: ['school'],
  teacher: ['school'],
}

/** Roles strictly below one's own; the system administrator may grant all. */
export function grantableRoles(own: Role): Role[] {
  if (own === 'system_administrator') return [...administrators, ...others]
  const rank = administrators.indexOf(own)
  return rank < 0 ? [] : [...administrators.slice(rank + 1), ...others]
}

/** The kinds of organisation a person of this role can belong to; undefined where all will do. */
export function placesOf(role: Role): OrganisationKind[] | undefined {
  return places[role]
}
