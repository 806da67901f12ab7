/** What the timeline of the rooms' lines draws: bands between the changes the relay reported. */
import type { components } from '../api/schema'

export type PartyLine = components['schemas']['PartyLine']
type Point = components['schemas']['LinePoint']

/** full: whole pictures · lowered: smaller or fewer frames · paused: at least one of the lead's pictures was not sent */
export type BandKind = 'full' | 'lowered' | 'paused'

export interface Span {
  from_ms: number
  to_ms: number
}

export interface Band {
  kind: BandKind
  from_at: string
  /** Per cent of the span. */
  left: number
  width: number
  reason: Point['reason']
  kbps: number | null
  loss_pct: number
  queue_ms: number
}

/** From the first to the last thing known of any room. */
export function spanOf(lines: readonly PartyLine[]): Span {
  const times = lines.flatMap((line) => [...line.points.map((point) => point.at), ...line.missed.flatMap((one) => [one.from_at, one.to_at])])
  const stamps = times.map((at) => Date.parse(at))
  return { from_ms: Math.min(...stamps), to_ms: Math.max(...stamps, Math.min(...stamps) + 60_000) }
}

function kindOf(point: Point): BandKind {
  const pictures = [point.picture, point.screen]
  if (pictures.includes('paused')) return 'paused'
  return pictures.some((picture) => picture === 'small' || picture === 'slow') ? 'lowered' : 'full'
}

/** The bands of one room; before the first report there is none, the last one reaches to the end. */
export function bandsOf(line: PartyLine, span: Span): Band[] {
  const whole_ms = span.to_ms - span.from_ms
  return line.points.map((point, index) => {
    const starts_ms = Date.parse(point.at)
    const next = line.points[index + 1]
    const ends_ms = next ? Date.parse(next.at) : span.to_ms
    const { reason, loss_pct, queue_ms, at: from_at } = point
    const left = (100 * (starts_ms - span.from_ms)) / whole_ms
    return { kind: kindOf(point), from_at, left, width: (100 * (ends_ms - starts_ms)) / whole_ms, reason, kbps: point.kbps ?? null, loss_pct, queue_ms }
  })
}

export interface Absence {
  from_at: string
  /** Per cent of the span. */
  left: number
  width: number
}

/** When the room was not in the lesson at all. */
export function absencesOf(line: PartyLine, span: Span): Absence[] {
  const whole_ms = span.to_ms - span.from_ms
  return line.missed.filter((missed) => missed.away).map(({ from_at, to_at }) => ({
    from_at,
    left: (100 * (Date.parse(from_at) - span.from_ms)) / whole_ms,
    width: (100 * (Date.parse(to_at) - Date.parse(from_at))) / whole_ms,
  }))
}

/** Less than this nobody misses: a picture more or less while a room joins. */
export const FELT_MS = 500

/** Where the replay makes up for something that was missed long enough to be felt. */
export function worthMakingUp(line: PartyLine): PartyLine['missed'] {
  return line.missed.filter(({ sound_ms, picture_ms, away }) => away || Math.max(sound_ms, picture_ms) >= FELT_MS)
}

/** Milliseconds as whole minutes and seconds. */
export function minutesAndSeconds(ms: number): { minutes: number; seconds: number } {
  const whole = Math.round(ms / 1000)
  return { minutes: Math.floor(whole / 60), seconds: whole % 60 }
}
