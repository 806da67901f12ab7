import { describe, expect, it } from 'vitest'
import type { Proposal } from './calls'
import { gapWord, percent, progressShare, proposalName, servedWords, weekTimeText } from './words'

describe('words of a plan', () => {
  it.each([[null, 'unknown'], [0, 'best'], [0.04, 'best'], [2.9, 'close'], [5, 'good'], [20, 'far']] as const)('a gap of %s is %s', (gap, word) => {
    expect(gapWord(gap)).toBe(word)
  })
  it.each([[0, '0%'], [0.5, '50%'], [0.999, '99%'], [1, '100%']] as const)('%s is %s', (share, text) => {
    expect(percent(share)).toBe(text)
  })
  it('is never done before it is done', () => {
    expect(progressShare(null, 60)).toBe(0)
    expect(progressShare(30, 60)).toBe(0.5)
    expect(progressShare(100, 60)).toBeLessThan(1)
  })
  it('tell what a school gets of what it needs', () => {
    expect(servedWords({ name: '石桥村小学', needed: 30, served: 29 })).toBe('石桥村小学 97% (29 / 30)')
    expect(servedWords({ name: '无需求的学校', needed: 0, served: 0 })).toBe('无需求的学校 100% (0 / 0)')
  })
  it('call a proposal that only cancels by what it does', () => {
    const items = (...actions: string[]) => actions.map((action) => ({ action })) as unknown as Proposal['items']
    expect(proposalName({ kind: 'fewest_changes', items: items('cancelled', 'cancelled') })).toBe('cancel_only')
    expect(proposalName({ kind: 'fewest_changes', items: items('cancelled', 'attends_more') })).toBe('fewest_changes')
    expect(proposalName({ kind: 'best', items: [] })).toBe('best')
  })
  it('names a time of the week', () => {
    expect(weekTimeText({ weekday: 1, starts: '08:30', ends: '09:10' }, ['Mon', 'Tue'])).toBe('Tue 08:30')
  })
})
