/** Instants and wall clocks: the service speaks UTC, people read the deployment's zone whatever zone their PC is set to. */

/** A day `YYYY-MM-DD` and a minute of it `HH:MM` on the wall of some zone. */
export interface WallTime {
  date: string
  time: string
}

const partsFormats = new Map<string, Intl.DateTimeFormat>()

function partsFormat(zone: string): Intl.DateTimeFormat {
  let format = partsFormats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit',
      hour: '2-digit', minute: '2-digit', second: '2-digit',
    })
    partsFormats.set(zone, format)
  }
  return format
}

function fields(at: Date, zone: string): Record<string, string> {
  return Object.fromEntries(partsFormat(zone).formatToParts(at).map((part) => [part.type, part.value]))
}

export function wallTime(at: Date, zone: string): WallTime {
  const f = fields(at, zone)
  return { date: `${f.year}-${f.month}-${f.day}`, time: `${f.hour}:${f.minute}` }
}

function offsetMs(at: Date, zone: string): number {
  const f = fields(at, zone)
  const wall = Date.UTC(Number(f.year), Number(f.month) - 1, Number(f.day), Number(f.hour), Number(f.minute), Number(f.second))
  return wall - Math.trunc(at.getTime() / 1000) * 1000
}

/**
 * The instant at which the wall clocks of `zone` show `wall`.
 *
 * In the hour a zone repeats in autumn the earlier instant is meant; a time a zone skips in spring moves forward.
 */
export function instantOf(wall: WallTime, zone: string): Date {
  const asUtc = Date.parse(`${wall.date}T${wall.time}:00Z`)
  const before = offsetMs(new Date(asUtc - 86_400_000), zone)
  const after = offsetMs(new Date(asUtc + 86_400_000), zone)
  for (const offset of [before, after]) {
    const candidate = new Date(asUtc - offset)
    if (offsetMs(candidate, zone) === offset) return candidate
  }
  return new Date(asUtc - before)
}

/** `date` moved by `days`, both `YYYY-MM-DD`. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

/** The Monday of the week `date` lies in. */
export function mondayOf(date: string): string {
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay()
  return addDays(date, -((weekday + 6) % 7))
}

/** The instants at which the day `date` of `zone` begins and the next one begins. */
export function dayBounds(date: string, zone: string): { from: Date; to: Date } {
  return { from: instantOf({ date, time: '00:00' }, zone), to: instantOf({ date: addDays(date, 1), time: '00:00' }, zone) }
}

/** Minutes since midnight of `HH:MM`. */
export function minuteOfDay(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}

/** `HH:MM` of a minute of the day, held inside the day. */
export function timeOfMinute(minute: number): string {
  const held = Math.min(Math.max(minute, 0), 1439)
  return `${String(Math.floor(held / 60)).padStart(2, '0')}:${String(held % 60).padStart(2, '0')}`
}

/** `HH:MM` from what people type: `8:30`, `830`, `8：30`; empty where it is no time of day. */
export function tidyTime(typed: string): string {
  const match = /^(\d{1,2})[:：.]?(\d{2})$/.exec(typed.trim())
  if (!match) return ''
  const [hours, minutes] = [Number(match[1]), Number(match[2])]
  return hours < 24 && minutes < 60 ? timeOfMinute(hours * 60 + minutes) : ''
}
