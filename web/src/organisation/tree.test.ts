import { describe, expect, it } from 'vitest'
import type { Organisation } from '../api/model'
import { bellsFit, periodAfter } from './bells'
import { asTree, kindsBelow, pathNames } from './tree'

const node = (id: string, parent_id: string | null, kind: Organisation['kind']): Organisation => ({ id, parent_id, name: id.toUpperCase(), kind, path: '', depth: 0 })
const items = [node('county', 'outside', 'county'), node('a', 'county', 'school'), node('b', 'county', 'school')]

describe('the organisation tree', () => {
  it('begins at one’s own organisation, whose parent is not in the list', () => {
    const tree = asTree(items)
    expect(tree.map((root) => [root.id, root.children.map((child) => child.id)])).toEqual([['county', ['a', 'b']]])
  })

  it('names the way down to a node', () => {
    expect(pathNames(items, 'b')).toEqual(['COUNTY', 'B'])
    expect(pathNames(items, 'nowhere')).toEqual([])
  })

  it('lets nothing stand below a school', () => {
    expect(kindsBelow('county')).toEqual(['school'])
    expect(kindsBelow('school')).toEqual([])
  })
})

describe('bells', () => {
  const period = (starts: string, ends: string) => ({ number: 1, starts, ends })

  it.each([
    [[period('08:30', '09:10'), period('09:20', '10:00')], true],
    [[period('08:30', '09:10'), period('09:10', '09:50')], true],
    [[period('08:30', '09:10'), period('09:00', '09:40')], false],
    [[period('09:10', '08:30')], false],
    [[period('08:30', '')], false],
    [[], true],
  ])('%j fit: %s', (periods, fits) => {
    expect(bellsFit(periods)).toBe(fits)
  })

  it('go on with a period as long as the last', () => {
    expect(periodAfter([{ number: 2, starts: '09:20', ends: '10:05' }])).toEqual({ number: 3, starts: '10:15', ends: '11:00' })
    expect(periodAfter([])).toEqual({ number: 1, starts: '08:30', ends: '09:10' })
  })
})
