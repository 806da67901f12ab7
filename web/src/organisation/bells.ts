/** Checking a day's periods before they are sent. */
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
