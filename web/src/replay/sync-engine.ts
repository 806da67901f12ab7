/**
 * Plays several recorded streams as one lesson: a master clock, and each media element kept with it.
 * While a stream inside its span has nothing to play, the clock waits for it, but not for ever.
 */
import { correct, isHurried, placeOf, type StreamSpan } from './correction'
import { MasterClock } from './master-clock'

/** What the engine needs of a media element. */
export interface MediaLike {
  currentTime: number
  playbackRate: number
  readonly paused: boolean
  readonly seeking: boolean
  readonly ended: boolean
  readonly readyState: number
  readonly error: unknown
  play(): Promise<void>
  pause(): void
}

export interface SyncedStream {
  id: string
  span: StreamSpan
  media: MediaLike
}

export interface EngineState {
  position_ms: number
  /** The person wants it to play. */
  playing: boolean
  /** It waits for data. */
  waiting: boolean
  rate: number
}

/** HTMLMediaElement.HAVE_FUTURE_DATA: can play at least a moment on. */
const HAVE_FUTURE_DATA = 3
/** A stream that gives nothing for so long does not hold up the others. */
export const LONGEST_WAIT_MS = 8_000
/** A new seek of the same stream earlier than this would only interrupt the first. */
const SEEK_PAUSE_MS = 1_000
/** A file may end a moment earlier than its entry says: standing this near is standing there. */
const PARKED_WITHIN_MS = 100
const HELD_WITHIN_MS = 20
/** From being told to play until they play, elements take about this long: who begins in the middle is told earlier. */
export const START_TAKES_MS = 50
/** So much before somebody begins, looks must be close together. */
const SOON_MS = 150

interface Tracked extends SyncedStream {
  soughtAt_ms: number
  stalledSince_ms: number | null
  hurries: boolean
}

export class SyncEngine {
  private readonly clock: MasterClock
  private readonly streams = new Map<string, Tracked>()
  private playing = false
  private waiting = false
  private growing = false

  constructor(private duration_ms: number) {
    this.clock = new MasterClock(duration_ms)
  }

  state(now_ms: number): EngineState {
    return { position_ms: this.clock.position(now_ms), playing: this.playing, waiting: this.waiting, rate: this.clock.rate }
  }

  add(stream: SyncedStream, now_ms: number): void {
    this.streams.set(stream.id, { ...stream, soughtAt_ms: -Infinity, stalledSince_ms: null, hurries: false })
    this.tick(now_ms)
  }

  /** The stream's place is another now: its file has become longer, or lies elsewhere on the timeline. */
  setSpan(id: string, span: StreamSpan): void {
    const stream = this.streams.get(id)
    if (stream) stream.span = span
  }

  /** `growing`: at its present end the lesson goes on, and playing waits for it. */
  setDuration(duration_ms: number, growing: boolean, now_ms: number): void {
    this.clock.seek(this.clock.position(now_ms), now_ms)
    this.duration_ms = duration_ms
    this.growing = growing
    this.clock.setDuration(duration_ms)
    this.tick(now_ms)
  }

  remove(id: string): void {
    this.streams.get(id)?.media.pause()
    this.streams.delete(id)
  }

  /** Starts all streams; from the end it starts over. Must be called from within a gesture where the browser asks for one. */
  play(now_ms: number): void {
    if (!this.growing && this.clock.position(now_ms) >= this.duration_ms) this.seek(0, now_ms)
    this.playing = true
    this.clock.run(now_ms)
    this.tick(now_ms)
  }

  pause(now_ms: number): void {
    this.playing = false
    this.waiting = false
    this.clock.stop(now_ms)
    for (const stream of this.streams.values()) this.hold(stream, now_ms)
  }

  seek(position_ms: number, now_ms: number): void {
    this.clock.seek(position_ms, now_ms)
    for (const stream of this.streams.values()) {
      stream.stalledSince_ms = null
      this.moveTo(stream, placeOf(stream.span, this.clock.position(now_ms)).position_ms, now_ms)
    }
    this.tick(now_ms)
  }

  setRate(rate: number, now_ms: number): void {
    this.clock.setRate(rate, now_ms)
    this.tick(now_ms)
  }

  /** Brings every stream in line; called about ten times a second while playing. */
  tick(now_ms: number): void {
    if (!this.playing) return
    if (this.isAtEnd(now_ms) && !this.growing) {
      this.pause(now_ms)
      return
    }
    this.settleWaiting(now_ms)
    for (const stream of this.streams.values()) this.align(stream, now_ms)
  }

  /** Whether a stream is about to begin, or catches up after its beginning: then ticks should be close together. */
  wantsCloseTicks(now_ms: number): boolean {
    if (!this.playing || this.waiting) return false
    return [...this.streams.values()].some((stream) => stream.hurries || this.begins(stream, now_ms, SOON_MS))
  }

  private begins(stream: Tracked, now_ms: number, within_ms: number): boolean {
    const master_ms = this.clock.position(now_ms)
    const later_ms = Math.min(this.duration_ms, master_ms + within_ms * this.clock.rate)
    return !placeOf(stream.span, master_ms).inside && placeOf(stream.span, later_ms).inside
  }

  private isAtEnd(now_ms: number): boolean {
    return this.clock.position(now_ms) >= this.duration_ms
  }

  private settleWaiting(now_ms: number): void {
    this.waiting = [this.isAtEnd(now_ms), ...[...this.streams.values()].map((stream) => this.holdsUp(stream, now_ms))].includes(true)
    if (this.waiting && this.clock.isRunning) this.clock.stop(now_ms)
    if (!this.waiting && !this.clock.isRunning) this.clock.run(now_ms)
  }

  private holdsUp(stream: Tracked, now_ms: number): boolean {
    const { inside } = placeOf(stream.span, this.clock.position(now_ms))
    const { media } = stream
    const stalled = inside && !media.error && !media.ended && (media.seeking || media.readyState < HAVE_FUTURE_DATA)
    if (!stalled) {
      stream.stalledSince_ms = null
      return false
    }
    stream.stalledSince_ms ??= now_ms
    return now_ms - stream.stalledSince_ms < LONGEST_WAIT_MS
  }

  private align(stream: Tracked, now_ms: number): void {
    const { media } = stream
    if (media.error) return
    const master_ms = this.clock.position(now_ms)
    if (this.waiting) {
      // Those that have data stand still until the one that has none is back.
      if (stream.stalledSince_ms === null && !media.paused) media.pause()
      return
    }
    const busy = media.seeking || media.readyState < HAVE_FUTURE_DATA
    const reading = { position_ms: media.currentTime * 1000, busy, correcting: media.playbackRate !== this.clock.rate }
    const correction = correct(stream.span, reading, master_ms, this.clock.rate)
    stream.hurries = correction.action === 'rate' && isHurried(correction.rate / this.clock.rate)
    if (correction.action === 'park' && this.begins(stream, now_ms, START_TAKES_MS) && !media.seeking) {
      media.playbackRate = this.clock.rate
      if (media.paused) media.play().catch(() => undefined)
      return
    }
    if (correction.action === 'park') {
      if (!media.paused) media.pause()
      this.moveTo(stream, correction.position_ms, now_ms, PARKED_WITHIN_MS)
      return
    }
    if (media.ended && correction.action !== 'seek') return
    if (correction.action === 'seek' && now_ms - stream.soughtAt_ms >= SEEK_PAUSE_MS) {
      this.moveTo(stream, correction.position_ms, now_ms)
    }
    const rate = correction.action === 'rate' ? correction.rate : this.clock.rate
    if (media.playbackRate !== rate) media.playbackRate = rate
    // play() settles later; a refusal shows as `paused` at the next tick and is tried again.
    if (media.paused) media.play().catch(() => undefined)
  }

  private hold(stream: Tracked, now_ms: number): void {
    stream.media.pause()
    this.moveTo(stream, placeOf(stream.span, this.clock.position(now_ms)).position_ms, now_ms, HELD_WITHIN_MS)
  }

  private moveTo(stream: Tracked, position_ms: number, now_ms: number, tolerance_ms = 1): void {
    if (Math.abs(stream.media.currentTime * 1000 - position_ms) < tolerance_ms) return
    stream.media.currentTime = position_ms / 1000
    stream.soughtAt_ms = now_ms
  }
}
