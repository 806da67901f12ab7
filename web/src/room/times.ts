/** Times as the room shows them: in the deployment's zone, large and short. */

export function clockText(at_ms: number, locale: string, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone }).format(at_ms)
}

export function dateText(at_ms: number, locale: string, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat(locale, { month: 'long', day: 'numeric', weekday: 'long', timeZone }).format(at_ms)
}

export interface Countdown {
  days: number
  hours: number
  minutes: number
  seconds: number
}

/** What is left until `target_ms`; zero once it is past. */
export function countdownTo(target_ms: number, now_ms: number): Countdown {
  const left_s = Math.max(0, Math.ceil((target_ms - now_ms) / 1000))
  return {
    days: Math.floor(left_s / 86_400),
    hours: Math.floor((left_s % 86_400) / 3_600),
    minutes: Math.floor((left_s % 3_600) / 60),
    seconds: left_s % 60,
  }
}
