import { describe, expect, it } from 'vitest'
import type { GridPeriod, SchoolWeek } from './calls'
import { fits, freedom, hoursOf, periodAt, placed } from './scale'

const zone = 'Asia/Shanghai'
const period = (number: number, from: string, to: string, more: Partial<GridPeriod> = {}): GridPeriod => ({
  number, starts_at: `2026-09-07T${from}:00Z`, ends_at: `2026-09-07T${to}:00Z`, rooms: 2, rooms_free: 1, lead_rooms_free: 1, classes_free: 0, classes: [], ...more,
})
const school = (periods: GridPeriod[]): SchoolWeek => ({
  own: true, school: { id: 'a', name: 'a', county: '' }, days: [{ date: '2026-09-07', runs: 0, make_up: false, periods }],
})

describe('the week grid', () => {
  it('shows whole hours around all bells, and usual ones where nobody rings', () => {
    expect(hoursOf([school([period(1, '00:30', '01:10'), period(2, '08:00', '08:40')])], zone)).toEqual({ from: 480, to: 1020 })
    expect(hoursOf([school([])], zone)).toEqual({ from: 480, to: 1020 })
  })

  it('draws to scale', () => {
    expect(placed({ from: 540, to: 600 }, { from: 480, to: 1020 })).toEqual({ top: `${(60 / 540) * 100}%`, height: `${(60 / 540) * 100}%` })
  })

  it('snaps a drag to the period most of it lies in', () => {
    const periods = [period(1, '00:30', '01:10'), period(2, '01:20', '02:00')]
    expect(periodAt(periods, { from: 545, to: 590 }, zone)?.number).toBe(2)
    expect(periodAt(periods, { from: 300, to: 400 }, zone)).toBeNull()
  })

  it('counts lead rooms at home, rooms elsewhere, and classes where timetables are known', () => {
    expect(freedom(period(1, '00:30', '01:10', { lead_rooms_free: 0 }), true, false)).toBe('taken')
    expect(freedom(period(1, '00:30', '01:10', { lead_rooms_free: 0 }), false, false)).toBe('free')
    expect(freedom(period(1, '00:30', '01:10'), false, true)).toBe('rooms')
  })

  it('lets a class follow a lesson of which three quarters lie in its free period', () => {
    expect(fits({ from: 510, to: 550 }, { from: 500, to: 540 })).toBe(true)
    expect(fits({ from: 510, to: 550 }, { from: 490, to: 530 })).toBe(false)
  })
})
