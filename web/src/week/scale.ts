/** The week grid to scale: minutes become heights, periods of several schools stand side by side. Pure. */
import { minuteOfDay, wallTime } from '../time/zoned'
import type { GridPeriod, SchoolWeek } from './calls'

/** A part of a day's column, in minutes of the day. */
export interface Span {
  from: number
  to: number
}

const usual: Span = { from: 8 * 60, to: 17 * 60 }
const quarter = 15

export function spanOf(period: { starts_at: string; ends_at: string }, zone: string): Span {
  const at = (moment: string) => minuteOfDay(wallTime(new Date(moment), zone).time)
  return { from: at(period.starts_at), to: at(period.ends_at) }
}

/** The hours the grid shows: all periods of all schools, from a whole hour to a whole hour. */
export function hoursOf(schools: readonly SchoolWeek[], zone: string): Span {
  const spans = schools.flatMap((school) => school.days.flatMap((day) => day.periods.map((period) => spanOf(period, zone))))
  if (!spans.length) return usual
  return {
    from: Math.floor((Math.min(...spans.map((one) => one.from)) - quarter) / 60) * 60,
    to: Math.ceil((Math.max(...spans.map((one) => one.to)) + quarter) / 60) * 60,
  }
}

/** Top and height in percent of the column. */
export function placed(span: Span, hours: Span): { top: string; height: string } {
  const length = hours.to - hours.from
  return { top: `${((span.from - hours.from) / length) * 100}%`, height: `${((span.to - span.from) / length) * 100}%` }
}

/** How free a period is: for one's own school a lead room counts, for others a room, and a class where timetables say so. */
export function freedom(period: GridPeriod, own: boolean, knowsClasses: boolean): 'free' | 'rooms' | 'taken' {
  const rooms = own ? period.lead_rooms_free : period.rooms_free
  if (rooms === 0) return 'taken'
  return own || !knowsClasses || period.classes_free > 0 ? 'free' : 'rooms'
}

export function knowsClasses(school: SchoolWeek): boolean {
  return school.days.some((day) => day.periods.some((period) => period.classes_free > 0))
}

/** The period of the school nearest to what was dragged over: most of the dragged time lies in it. */
export function periodAt<P extends { starts_at: string; ends_at: string }>(periods: readonly P[], dragged: Span, zone: string): P | null {
  let best: P | null = null
  let most = 0
  for (const period of periods) {
    const span = spanOf(period, zone)
    const shared = Math.min(span.to, dragged.to) - Math.max(span.from, dragged.from)
    if (shared > most) [best, most] = [period, shared]
  }
  return best
}

/** Whether three quarters of a lesson lie inside a period: then a class that is free in it can attend. */
export function fits(lesson: Span, period: Span): boolean {
  return 4 * (Math.min(lesson.to, period.to) - Math.max(lesson.from, period.from)) >= 3 * (lesson.to - lesson.from)
}
