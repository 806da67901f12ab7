import { describe, expect, it } from 'vitest'
import type { Critique } from './calls'
import { handedIn, meanOf, rounded, titleOf, totalOf, unscored } from './scores'

const criteria = [{ id: 'goals', title: '目标', title_en: 'Aims', hint: '', points: 20 }, { id: 'own', title: '特色', title_en: '', hint: '', points: 5 }]

describe('scores', () => {
  it('are summed, and what is missing is named', () => {
    expect(unscored(criteria, { goals: 0 })).toEqual(['own'])
    expect(unscored(criteria, { goals: null, own: 5 })).toEqual(['goals'])
    expect(totalOf({ goals: 18, own: null })).toBe(18)
  })

  it('have a mean of what is there', () => {
    expect(meanOf([80, null, 83])).toBe(81.5)
    expect(rounded(meanOf([]))).toBe('–')
    expect(rounded(81.666)).toBe('81.7')
  })

  it('are named in the language of the page where there is a word', () => {
    expect(criteria.map((one) => titleOf(one, 'en'))).toEqual(['Aims', '特色'])
    expect(titleOf({ title: '目标', title_en: 'Aims' }, 'zh-CN')).toBe('目标')
  })

  it('are shown of those who handed in', () => {
    const sheet = (reviewer_id: string, lesson_id: string) => ({ reviewer_id, lesson_id })
    const critique = {
      reviewers: [{ id: 'a', handed_in_at: '2026-09-07' }, { id: 'b', handed_in_at: null }],
      sheets: [sheet('a', 'one'), sheet('b', 'one'), sheet('a', 'two')],
    } as unknown as Critique
    expect(handedIn(critique, 'one').map((one) => one.reviewer_id)).toEqual(['a'])
  })
})
