import { describe, expect, it } from 'vitest'
import { addDays, dayBounds, instantOf, mondayOf, tidyTime, timeOfMinute, wallTime } from './zoned'

const shanghai = 'Asia/Shanghai'
const berlin = 'Europe/Berlin'

describe('wall clocks of a zone', () => {
  it.each([
    ['2026-11-24T02:20:00Z', shanghai, '2026-11-24', '10:20'],
    ['2026-11-23T16:00:00Z', shanghai, '2026-11-24', '00:00'],
    ['2026-12-31T15:59:00Z', shanghai, '2026-12-31', '23:59'],
    ['2026-07-01T22:30:00Z', berlin, '2026-07-02', '00:30'],
  ])('show %s in %s as %s %s and back', (at, zone, date, time) => {
    expect(wallTime(new Date(at), zone)).toEqual({ date, time })
    expect(instantOf({ date, time }, zone)).toEqual(new Date(at))
  })

  it('take the earlier of two instants in the hour that comes twice', () => {
    expect(instantOf({ date: '2026-10-25', time: '02:30' }, berlin)).toEqual(new Date('2026-10-25T00:30:00Z'))
  })

  it('move a time that is skipped forward', () => {
    expect(instantOf({ date: '2026-03-29', time: '02:30' }, berlin)).toEqual(new Date('2026-03-29T01:30:00Z'))
  })

  it('bound a day of 23 hours', () => {
    const { from, to } = dayBounds('2026-03-29', berlin)
    expect((to.getTime() - from.getTime()) / 3_600_000).toBe(23)
  })
})

describe('dates', () => {
  it.each([
    ['2026-11-22', '2026-11-16'],
    ['2026-11-16', '2026-11-16'],
    ['2027-01-01', '2026-12-28'],
  ])('put %s into the week of %s', (date, monday) => {
    expect(mondayOf(date)).toBe(monday)
  })

  it('step over the end of a leap February', () => {
    expect(addDays('2028-02-28', 2)).toBe('2028-03-01')
  })
})

describe('times as people type them', () => {
  it.each([
    ['8:30', '08:30'], ['08:30', '08:30'], ['830', '08:30'], ['1430', '14:30'], ['8：05', '08:05'], [' 9.15 ', '09:15'],
    ['24:00', ''], ['12:60', ''], ['8', ''], ['noon', ''], ['', ''],
  ])('%j becomes %j', (typed, time) => {
    expect(tidyTime(typed)).toBe(time)
  })

  it('stay inside the day', () => {
    expect(timeOfMinute(1500)).toBe('23:59')
    expect(timeOfMinute(-5)).toBe('00:00')
  })
})
