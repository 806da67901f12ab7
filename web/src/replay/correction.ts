/**
 * What one stream must do to stay with the master clock: pure rules, tested by themselves.
 * Small drifts are played away by a slightly changed rate, which nobody hears; only large ones seek.
 */

export interface StreamSpan {
  /** Where the file's t=0 lies on the lesson's time line. */
  offset_ms: number
  duration_ms: number
  /** Where its lesson is at a moment of the clock, if that is not the same: lessons locked to each other by phases. */
  onLesson?: (master_ms: number) => { position_ms: number; waiting: boolean }
}

export interface MediaReading {
  position_ms: number
  /** The element is working on a seek or has nothing to play right now. */
  busy: boolean
  /** A drift is being played away. */
  correcting: boolean
}

export type Correction =
  | { action: 'park'; position_ms: number }
  | { action: 'seek'; position_ms: number }
  | { action: 'rate'; rate: number }
  | { action: 'wait' }

/** Within this the stream is left alone ... */
export const DEAD_BAND_MS = 12
/** ... and one that is being corrected is once it is as near as this: stopping at the band's edge would leave it there. */
export const SETTLED_WITHIN_MS = 3
/** Beyond this a seek is quicker than playing the drift away. */
export const SEEK_BEYOND_MS = 350
/** The drift is played away in about this time ... */
const CORRECT_WITHIN_MS = 700
/** ... but never by more than this part of the rate, so that voices keep their sound ... */
const LARGEST_NUDGE = 0.12
/** ... except beyond this drift, as after a slow start: then being together soon matters more. */
export const HURRY_BEYOND_MS = 25
const HURRY_WITHIN_MS = 200
const HURRIED_NUDGE = 0.4

/** So near to the end of what there is, players already stop. */
const BREAK_FELT_BEFORE_MS = 100

/** Where in its file a stream should be, clamped to the file; `inside` is false before its start, after its end and while its lesson waits. */
export function placeOf(span: StreamSpan, master_ms: number): { position_ms: number; inside: boolean } {
  const lesson = span.onLesson?.(master_ms) ?? { position_ms: master_ms, waiting: false }
  const place = lesson.position_ms - span.offset_ms
  return {
    position_ms: Math.min(span.duration_ms, Math.max(0, place)),
    inside: place >= 0 && place < span.duration_ms && !lesson.waiting,
  }
}

/** The correction of a playing stream. Positive drift: the stream is ahead. */
export function correct(span: StreamSpan, reading: MediaReading, master_ms: number, rate: number): Correction {
  const { position_ms, inside } = placeOf(span, master_ms)
  if (!inside) return { action: 'park', position_ms }
  if (reading.busy) return { action: 'wait' }
  const drift_ms = reading.position_ms - position_ms
  if (Math.abs(drift_ms) > SEEK_BEYOND_MS) return { action: 'seek', position_ms }
  if (Math.abs(drift_ms) <= (reading.correcting ? SETTLED_WITHIN_MS : DEAD_BAND_MS)) return { action: 'rate', rate }
  const [within_ms, largest] = Math.abs(drift_ms) > HURRY_BEYOND_MS ? [HURRY_WITHIN_MS, HURRIED_NUDGE] : [CORRECT_WITHIN_MS, LARGEST_NUDGE]
  const nudge = Math.max(-largest, Math.min(largest, -drift_ms / (within_ms * rate)))
  return { action: 'rate', rate: rate * (1 + nudge) }
}

/** Whether a stream plays at so different a rate that it must be looked at again soon; `part` is of the clock's rate. */
export function isHurried(part: number): boolean {
  return Math.abs(part - 1) > LARGEST_NUDGE
}

/** A break in a growing file holds nobody up: its stream waits at the break's end. In finished files players pass over it. */
export function spanOf(stream: StreamSpan & { gaps: readonly (readonly [number, number])[]; live?: boolean }): StreamSpan {
  if (!stream.live) return stream
  const { offset_ms, duration_ms, gaps } = stream
  const onLesson = (master_ms: number) => {
    const gap = gaps.find(([from_ms, to_ms]) => master_ms - offset_ms >= from_ms - BREAK_FELT_BEFORE_MS && master_ms - offset_ms < to_ms)
    return gap ? { position_ms: offset_ms + gap[1], waiting: true } : { position_ms: master_ms, waiting: false }
  }
  return { offset_ms, duration_ms, onLesson }
}

/** True if `master_ms` lies in one of the stream's gaps (given on the file's own time line). */
export function inGap(span: StreamSpan, gaps: readonly (readonly [number, number])[], master_ms: number): boolean {
  const place = master_ms - span.offset_ms
  return gaps.some(([from_ms, to_ms]) => place >= from_ms && place < to_ms)
}
