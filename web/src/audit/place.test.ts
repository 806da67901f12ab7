import { describe, expect, it } from 'vitest'
import { placeOf } from './place'

describe('placeOf', () => {
  it('leads to the lesson an act was about', () => {
    expect(placeOf({ lesson_id: 'a1', receiver_id: 'b2' })).toEqual({ to: '/lessons/a1', label: 'lessons.lesson' })
  })

  it('leads to where what was created stands', () => {
    expect(placeOf({ rubric_id: 'c3' })).toEqual({ to: '/reviews/rubrics', label: 'reviews.rubric.plural' })
    expect(placeOf({ term_id: 'd4' })).toEqual({ to: '/organisation', label: 'organisation.title' })
  })

  it('knows no page for what has none', () => {
    expect(placeOf({ refused: '409' })).toBeNull()
  })
})
