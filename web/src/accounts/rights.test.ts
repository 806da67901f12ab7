import { describe, expect, it } from 'vitest'
import type { Role, Session } from '../api/model'
import { grantableRoles } from './grants'
import { passwordFault } from './password'
import { destinationsOf, safeNext } from './rights'

const sessionWith = (...permissions: string[]) => ({ permissions }) as Session

describe('destinations', () => {
  it('of a researcher leave out what administrators do', () => {
    expect(destinationsOf(sessionWith('lessons.observe')).map((item) => item.to)).toEqual(['/', '/notices', '/lessons', '/events', '/recordings', '/reviews'])
  })

  it('of an administrator are all', () => {
    expect(destinationsOf(sessionWith('users.manage', 'rooms.manage', 'usage.read', 'lessons.book', 'plans.manage')).map((item) => item.to)).toEqual([
      '/', '/notices', '/lessons', '/week', '/events', '/recordings', '/reviews', '/planning', '/usage', '/rooms', '/people', '/organisation', '/exchange',
    ])
  })
})

describe('the page after signing in', () => {
  it.each([
    ['/lessons/abc?x=1', '/lessons/abc?x=1'],
    ['//evil.example', '/'], ['/\\evil.example', '/'], ['https://evil.example', '/'], ['/login?next=/', '/'], [undefined, '/'], [['/a'], '/'],
  ])('for %j is %s', (next, expected) => {
    expect(safeNext(next)).toBe(expected)
  })
})

describe('grants', () => {
  it.each<[Role, number, boolean]>([
    ['system_administrator', 7, true], ['county_administrator', 4, false], ['school_administrator', 3, false], ['teacher', 0, false],
  ])('of a %s are %i roles', (role, count, ownToo) => {
    const roles = grantableRoles(role)
    expect(roles).toHaveLength(count)
    expect(roles.includes(role)).toBe(ownToo)
  })
})

describe('a new password', () => {
  it.each([
    ['short', 'short', 'accounts.passwordShort'],
    ['long enough', 'long enougH', 'accounts.passwordsDiffer'],
    ['long enough', 'long enough', null],
  ])('%s repeated as %s: %s', (password, repeated, fault) => {
    expect(passwordFault(password, repeated)).toBe(fault)
  })
})
