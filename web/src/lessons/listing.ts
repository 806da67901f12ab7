/** Arranging lessons for lists. */
import type { Lesson } from '../api/model'
import { minuteOfDay, wallTime } from '../time/zoned'

export interface Day {
  date: string
  lessons: Lesson[]
}

/** Lessons by the day of `zone` they start on, in the order given. */
export function byDay(lessons: readonly Lesson[], zone: string): Day[] {
  const days: Day[] = []
  for (const lesson of lessons) {
    const { date } = wallTime(new Date(lesson.starts_at), zone)
    const last = days.at(-1)
    if (last?.date === date) last.lessons.push(lesson)
    else days.push({ date, lessons: [lesson] })
  }
  return days
}

/** How many rooms are asked and what they said; withdrawn rooms are out of it. */
export function countAnswers(lesson: Lesson) {
  const counting = lesson.receivers.filter((receiver) => receiver.state !== 'withdrawn')
  const having = (state: string) => counting.filter((receiver) => receiver.state === state).length
  return { asked: counting.length, accepted: having('accepted'), declined: having('declined'), pending: having('pending') }
}

/** The whole hours a week must show: the school day, and more where a lesson lies outside it. */
export function hoursShown(lessons: readonly Lesson[], zone: string): { from: string; to: string } {
  let [from, to] = [8, 18]
  for (const lesson of lessons) {
    const starts = minuteOfDay(wallTime(new Date(lesson.starts_at), zone).time)
    const lengthMinutes = (Date.parse(lesson.ends_at) - Date.parse(lesson.starts_at)) / 60_000
    from = Math.min(from, Math.floor(starts / 60))
    to = Math.min(24, Math.max(to, Math.ceil((starts + lengthMinutes) / 60)))
  }
  const hour = (value: number) => `${String(value).padStart(2, '0')}:00:00`
  return { from: hour(from), to: hour(to) }
}
