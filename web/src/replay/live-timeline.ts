/**
 * One timeline for a lesson that is watched while it runs: its beginning may still move, because the file of a party
 * that was there earlier becomes playable later. The page keeps the beginning it first saw, and everything finds its place.
 */
import type { RecordedStream, Recording } from './recording'

/** What is newest may still be on its way in some of the files. */
export const EDGE_BEHIND_MS = 2_000

/** A file that did not become longer for so long waits for nothing: its screen stands still, or its party is away. */
const SETTLED_AFTER_MS = 5_000

export class LiveTimeline {
  private origin_ms: number | null = null
  private readonly lengths = new Map<string, { duration_ms: number; since_ms: number }>()

  /** The beginning this page counts from, in Unix ms by the service's clock; null before there is anything. */
  get beginning_ms(): number | null {
    return this.origin_ms
  }

  /** The recording on this page's timeline, as long as it may be played now; `now_ms` of any clock that goes on. */
  take(recording: Recording, now_ms = performance.now()): Recording {
    const origin_ms = recording.origin_at ? Date.parse(recording.origin_at) : null
    if (origin_ms === null || recording.streams.length === 0) return recording
    this.origin_ms ??= origin_ms
    const shift_ms = origin_ms - this.origin_ms
    const streams = recording.streams.map((stream) => ({
      ...stream,
      live: true,
      offset_ms: stream.offset_ms + shift_ms,
      growing: stream.growing === true && !hasStopped(stream, recording),
      settled: this.isSettled(stream, now_ms),
    }))
    const events = recording.events.map((event) => ({ ...event, at_ms: Math.max(0, event.at_ms + shift_ms) }))
    return { ...recording, streams, events, shift_ms, duration_ms: edgeOf(streams) }
  }

  private isSettled({ id, duration_ms }: RecordedStream, now_ms: number): boolean {
    const known = this.lengths.get(id)
    if (known?.duration_ms === duration_ms) return now_ms - known.since_ms >= SETTLED_AFTER_MS
    this.lengths.set(id, { duration_ms, since_ms: now_ms })
    return false
  }

  /** Where a moment of this page's timeline lies in another recording of the lesson. */
  placeIn(recording: Recording, position_ms: number): number {
    if (this.origin_ms === null || !recording.origin_at) return position_ms
    return Math.max(0, position_ms + this.origin_ms - Date.parse(recording.origin_at))
  }
}

/** A screen that is shared no more: its file waits for the next time. */
function hasStopped(stream: RecordedStream, { events }: Recording): boolean {
  const last = events.filter((event) => event.type.startsWith('screen_') && event.party_name === stream.party_name).at(-1)
  return stream.source === 'screen' && last?.type === 'screen_ended'
}

function edgeOf(streams: readonly RecordedStream[]): number {
  const end = (found: readonly RecordedStream[]) => Math.max(0, ...found.map((stream) => stream.offset_ms + stream.duration_ms))
  return Math.max(end(streams.filter((stream) => !stream.growing)), end(streams.filter((stream) => stream.growing)) - EDGE_BEHIND_MS)
}
