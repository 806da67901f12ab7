/** Instants in words of a language, on the wall clocks of a zone. Pure, and light enough for every page. */
import { wallTime } from './zoned'

export type TimeKind = 'day' | 'fullDay' | 'shortDay' | 'time' | 'second' | 'moment'

/** How to write an instant; `now` decides whether a day needs its year. */
export type Writer = (kind: TimeKind, at: Date, now?: Date) => string

/** Days `YYYY-MM-DD` of a calendar, which are no instants: one, or from one to another. */
export function daysText(locale: string, from: string, to: string = from): string {
  const format = new Intl.DateTimeFormat(tagOf(locale), { timeZone: 'UTC', year: 'numeric', month: locale === 'en' ? 'short' : 'long', day: 'numeric' })
  return format.formatRange(...([from, to].map((day) => new Date(`${day}T00:00:00Z`)) as [Date, Date]))
}

// Day before month, the month in letters: 11/22 and 22/11 are two different days to two readers of English.
const tagOf = (locale: string): string => (locale === 'en' ? 'en-GB' : locale)

const writers = new Map<string, Writer>()

/** The same one for the same language and zone: formats are costly to make, and every line of a list asks for them. */
export function writerOf(locale: string, zone: string): Writer {
  const key = `${locale} ${zone}`
  const known = writers.get(key) ?? makeWriter(locale, zone)
  writers.set(key, known)
  return known
}

function makeWriter(locale: string, zone: string): Writer {
  const month = locale === 'en' ? 'short' : '2-digit'
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(tagOf(locale), { timeZone: zone, hourCycle: 'h23', ...options })
  const formats: Record<TimeKind, Intl.DateTimeFormat> = {
    day: format({ month: 'long', day: 'numeric', weekday: 'short' }),
    fullDay: format({ year: 'numeric', month: 'long', day: 'numeric', weekday: 'long' }),
    shortDay: format({ month: locale === 'en' ? 'short' : 'numeric', day: 'numeric' }),
    time: format({ hour: '2-digit', minute: '2-digit' }),
    second: format({ hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    moment: format({ year: 'numeric', month, day: locale === 'en' ? 'numeric' : '2-digit', hour: '2-digit', minute: '2-digit' }),
  }
  const dayOfYear = format({ year: 'numeric', month: 'long', day: 'numeric', weekday: 'short' })
  const year = (at: Date) => wallTime(at, zone).date.slice(0, 4)
  return (kind, at, now = new Date()) => (kind === 'day' && year(at) !== year(now) ? dayOfYear : formats[kind]).format(at)
}
