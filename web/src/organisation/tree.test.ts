import { describe, expect, it } from 'vitest'
import type { Organisation } from '../api/model'
import { bellsFit, periodAfter } from './bells'
import { asTree, kindsBelow, matching, openAtFirst, pathNames } from './tree'

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

  it('has school 2 before school 10', () => {
    const schools = ['第10小学', '第2小学', '第1小学'].map((name) => ({ ...node(name, 'county', 'school'), name, depth: 1 }))
    const root = items[0]
    expect(root && asTree([root, ...schools])[0]?.children.map((child) => child.name)).toEqual(['第1小学', '第2小学', '第10小学'])
  })

  it('keeps what was looked for with everything above it', () => {
    const found = [{ ...node('county', null, 'county'), path: '/county/' }, { ...node('a', 'county', 'school'), path: '/county/a/' }, { ...node('b', 'county', 'school'), path: '/county/b/' }]
    expect(matching(found, ' b ').map((item) => item.id)).toEqual(['county', 'b'])
    expect(matching(found, '')).toHaveLength(3)
    expect(matching(found, 'x')).toEqual([])
  })

  it('opens what is short and leaves a county of 150 schools closed', () => {
    const schools = Array.from({ length: 150 }, (_, at) => node(`s${at}`, 'large', 'school'))
    const tree = asTree([node('top', null, 'prefecture'), node('large', 'top', 'county'), node('small', 'top', 'county'), ...schools])
    expect(openAtFirst(tree)).toEqual(['top', 'small'])
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
