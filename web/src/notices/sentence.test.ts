import { describe, expect, it } from 'vitest'
import en from './messages.en'
import zh from './messages.zh-CN'
import { itemsOf, knownKinds, linkOf, valuesOf } from './sentence'

const notice = (data: Record<string, unknown>) => ({ data, lesson_id: null, event_id: null })

describe('notices', () => {
  it('have a sentence for every kind in both languages', () => {
    for (const kind of knownKinds) {
      expect(zh.kinds[kind], kind).toBeTruthy()
      expect(en.kinds[kind], kind).toBeTruthy()
    }
  })

  it('show moments in words and leave lists out of the sentence', () => {
    const values = valuesOf(notice({ title: '荷塘', starts_at: '2026-09-07T00:30:00+00:00', count: 2, items: [{}] }), (at) => `<${at}>`)
    expect(values).toEqual({ title: '荷塘', starts_at: '<2026-09-07T00:30:00+00:00>', count: 2 })
  })

  it('list the lessons of a change and nothing where there are none', () => {
    expect(itemsOf(notice({ items: [{ action: 'moved' }] }))).toHaveLength(1)
    expect(itemsOf(notice({ items: 'x' }))).toEqual([])
  })

  it('lead to the event before the lesson', () => {
    expect(linkOf({ kind: 'lesson_moved', lesson_id: 'a', event_id: 'b' })).toBe('/events/b')
    expect(linkOf({ kind: 'lesson_moved', lesson_id: 'a', event_id: null })).toBe('/lessons/a')
    expect(linkOf({ kind: 'change_applied', lesson_id: null, event_id: null })).toBeNull()
    expect(linkOf({ kind: 'plan_accepted', lesson_id: null, event_id: null })).toBe('/lessons')
  })
})
