import { describe, expect, it } from 'vitest'
import { emptyWhen } from '../booking/draft'
import { emptyEvent, eventFaults, eventRequest, weekLater } from './draft'

const filled = () => ({ ...emptyEvent('2026-09-07', emptyWhen), title: ' 荷塘 ', subject: 'chinese', grade: 'senior_1', meetings: [{ ...emptyWhen('2026-09-14'), period: 2 }] })

describe('the form of an event', () => {
  it('names what is missing by field, each lesson by its number', () => {
    const faults = eventFaults({ ...emptyEvent('2026-09-07', emptyWhen), quota: 0 }, true)
    expect(Object.keys(faults).sort()).toEqual(['grade', 'lead_teacher_id', 'meetings.0.period', 'quota', 'subject', 'title'])
    expect(eventFaults(filled(), false)).toEqual({})
  })

  it('adds the next lesson a week later at the same hour', () => {
    expect(weekLater(filled().meetings)).toMatchObject({ date: '2026-09-21', period: 2 })
  })

  it('sends the deadline as an instant of the zone and leaves no quota of counties out', () => {
    const request = eventRequest({ ...filled(), untilDate: '2026-09-10', untilTime: '18:00', countyQuota: null }, 'Asia/Shanghai')
    expect(request.signup_until).toBe('2026-09-10T10:00:00.000Z')
    expect(request.county_quota).toBeUndefined()
    expect(request.meetings).toEqual([{ date: '2026-09-14', period: 2 }])
    expect(request.title).toBe('荷塘')
  })
})
