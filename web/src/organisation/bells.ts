/** A day's periods: laid out from lengths and breaks, and checked before they are sent. */
import type { Period } from '../api/model'
import { minuteOfDay, timeOfMinute } from '../time/zoned'

/** Whether all times are there, each period ends after it starts, and none begins before the one before has ended. */
export function bellsFit(periods: readonly Period[]): boolean {
  let free = -1
  for (const { starts, ends } of periods) {
    if (!starts || !ends || minuteOfDay(starts) < free || minuteOfDay(ends) <= minuteOfDay(starts)) return false
    free = minuteOfDay(ends)
  }
  return true
}

/** The period that would follow: as long as the last one, ten minutes after it. */
export function periodAfter(periods: readonly Period[]): Period {
  const last = periods.at(-1)
  if (!last) return { number: 1, starts: '08:30', ends: '09:10' }
  const length = minuteOfDay(last.ends) - minuteOfDay(last.starts)
  const starts = minuteOfDay(last.ends) + 10
  return { number: last.number + 1, starts: timeOfMinute(starts), ends: timeOfMinute(starts + length) }
}

/** A day as a school tells it: when morning and afternoon begin, how many periods, how long, and the breaks. */
export interface DayPlan {
  starts: string
  morning: number
  afternoonStarts: string
  afternoon: number
  minutes: number
  shortBreak: number
  longBreak: number
  /** After which period of the morning the long break is; 0 for none. */
  longAfter: number
}

export const usualDay: DayPlan = { starts: '08:30', morning: 4, afternoonStarts: '14:00', afternoon: 4, minutes: 40, shortBreak: 10, longBreak: 25, longAfter: 2 }

/** The periods of such a day; the afternoon has short breaks only. */
export function layOut(plan: DayPlan): Period[] {
  const periods: Period[] = []
  const row = (from: string, count: number, long: number): void => {
    let starts = minuteOfDay(from)
    for (let at = 1; at <= count; at += 1) {
      periods.push({ number: periods.length + 1, starts: timeOfMinute(starts), ends: timeOfMinute(starts + plan.minutes) })
      starts += plan.minutes + (at === long ? plan.longBreak : plan.shortBreak)
    }
  }
  row(plan.starts, plan.morning, plan.longAfter)
  row(plan.afternoonStarts, plan.afternoon, 0)
  return periods
}

/** Minutes of each period and of the break before it (none before the first). */
export function lengths(periods: readonly Period[]): { minutes: number; breakBefore: number | null }[] {
  return periods.map((period, at) => {
    const before = periods[at - 1]
    return { minutes: minuteOfDay(period.ends) - minuteOfDay(period.starts), breakBefore: before ? minuteOfDay(period.starts) - minuteOfDay(before.ends) : null }
  })
}
