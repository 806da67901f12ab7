import { describe, expect, it } from 'vitest'
import type { Lesson, ReceiverState } from '../api/model'
import { repeatMs } from './calls'
import { choicesOf } from './catalogue'
import { byDay, countAnswers, hoursShown } from './listing'

const zone = 'Asia/Shanghai'
const lesson = (starts_at: string, ends_at = starts_at, more: Partial<Lesson> = {}) => ({ starts_at, ends_at, receivers: [], ...more }) as unknown as Lesson
const answers = (...states: ReceiverState[]) => lesson('2026-11-24T02:00:00Z', undefined, { receivers: states.map((state) => ({ state })) as Lesson['receivers'] })

describe('a list of lessons', () => {
  it('is divided by the days of the deployment, not by UTC', () => {
    const days = byDay([lesson('2026-11-23T15:00:00Z'), lesson('2026-11-23T16:30:00Z'), lesson('2026-11-24T01:00:00Z')], zone)
    expect(days.map((day) => [day.date, day.lessons.length])).toEqual([['2026-11-23', 1], ['2026-11-24', 2]])
  })

  it('counts answers without the withdrawn', () => {
    expect(countAnswers(answers('accepted', 'accepted', 'declined', 'pending', 'withdrawn'))).toEqual({ asked: 4, accepted: 2, declined: 1, pending: 1 })
  })
})

describe('the hours of a week', () => {
  it('are those of the school day', () => {
    expect(hoursShown([lesson('2026-11-24T02:20:00Z', '2026-11-24T03:00:00Z')], zone)).toEqual({ from: '08:00:00', to: '18:00:00' })
  })

  it('grow to what lies outside it', () => {
    const early = lesson('2026-11-23T22:50:00Z', '2026-11-23T23:30:00Z')
    const late = lesson('2026-11-24T11:30:00Z', '2026-11-24T12:10:00Z')
    expect(hoursShown([early, late], zone)).toEqual({ from: '06:00:00', to: '21:00:00' })
  })

  it('end with the day', () => {
    expect(hoursShown([lesson('2026-11-24T15:30:00Z', '2026-11-24T16:30:00Z')], zone).to).toBe('24:00:00')
  })
})

describe('a lesson on the screen', () => {
  it('is asked for often while it runs, seldom before, and after only until its recording is there', () => {
    const of = (state: Lesson['state'], recording: Lesson['recording'] = null) => repeatMs(lesson('2026-11-24T02:20:00Z', undefined, { state, recording }))
    expect(of('live')).toBe(5_000)
    expect(of('booked')).toBe(15_000)
    expect(of('ended', { state: 'processing' })).toBe(5_000)
    expect(of('ended', { state: 'ready' })).toBe(false)
    expect(of('cancelled')).toBe(false)
    expect(repeatMs(undefined)).toBe(false)
  })
})

describe('coded names', () => {
  it('follow the language', () => {
    const items = [{ code: 'music', name: { zh: '音乐', en: 'Music' } }]
    expect(choicesOf(items, 'zh-CN')).toEqual([{ value: 'music', label: '音乐' }])
    expect(choicesOf(items, 'en')).toEqual([{ value: 'music', label: 'Music' }])
  })
})
