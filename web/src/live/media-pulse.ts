/**
 * Watches whether media still arrives. A path that dies says nothing: ICE notices after five seconds and more, while packets that came
 * all the time and stopped coming tell it within one.
 */
import type { LiveBrowser } from './browser'

export const LOOK_EVERY_MS = 250
/** So long without any packet means that the path is dead. */
export const SILENT_AFTER_MS = 1_000
/** Packets came steadily when for so long no gap was longer than the next figure (silence in a microphone still sends every 400 ms). */
const STEADY_FOR_MS = 1_000
const LONGEST_GAP_MS = 700
/** Where they did not, ICE's own checks are still answered every 2.5 s: without even that for so long the path is dead, too. */
const DEAD_AFTER_MS = 4_000
/** The page itself stood still (a sleeping computer, a hidden page): nothing was looked at, so nothing is known. */
const STOOD_STILL_MS = 900

export interface PulseHooks {
  /** Nothing came for half the time after which `silent` is said. */
  suspicious(): void
  /** Nothing comes any more. Said once; again only after `back`. */
  silent(): void
  /** After `silent`: packets come again. */
  back(): void
}

interface Course {
  /** What each candidate pair has received; pairs come and go. */
  counts: Map<string, number>
  heardAtMs: number
  /** It has received something. */
  heard: boolean
  steadySinceMs: number
}

export class MediaPulse {
  private timer: number | null = null
  private stopped = false
  private lookedAtMs: number
  private doubted = false
  private dead = false
  private readonly courses = new Map<RTCPeerConnection, Course>()

  constructor(
    private readonly browser: Pick<LiveBrowser, 'setTimer' | 'clearTimer' | 'nowMs'>,
    /** The connections there are at the moment. */
    private readonly connections: () => readonly RTCPeerConnection[],
    private readonly hooks: PulseHooks,
  ) {
    this.lookedAtMs = browser.nowMs()
    this.wait()
  }

  /** Whether nothing came since `silent`. */
  get isSilent(): boolean {
    return this.dead
  }

  stop(): void {
    this.stopped = true
    if (this.timer !== null) this.browser.clearTimer(this.timer)
  }

  private wait(): void {
    this.timer = this.browser.setTimer(() => void this.look(), LOOK_EVERY_MS)
  }

  private async look(): Promise<void> {
    const connections = this.connections()
    const counts = await Promise.all(connections.map(receivedCounts))
    if (this.stopped) return
    const now = this.browser.nowMs()
    const stoodStill = now - this.lookedAtMs > STOOD_STILL_MS
    this.lookedAtMs = now
    for (const known of this.courses.keys()) if (!connections.includes(known)) this.courses.delete(known)
    const heard = connections.map((connection, index) => this.follow(connection, counts[index] ?? new Map(), now, stoodStill))
    this.judge(heard.includes(true), now)
    this.wait()
  }

  /** Notes what a connection has received; true if that was more than at the last look. */
  private follow(connection: RTCPeerConnection, counts: Map<string, number>, now: number, stoodStill: boolean): boolean {
    const course = this.courses.get(connection)
    if (!course) {
      this.courses.set(connection, { counts, heardAtMs: now, heard: false, steadySinceMs: now })
      return false
    }
    const grew = [...counts].some(([pair, count]) => count > (course.counts.get(pair) ?? 0))
    course.counts = counts
    if (!grew && !stoodStill) return false
    if (grew && !stoodStill && now - course.heardAtMs > LONGEST_GAP_MS) course.steadySinceMs = now
    if (stoodStill) course.steadySinceMs += now - course.heardAtMs // its past counts, the pause does not
    course.heardAtMs = now
    course.heard ||= grew
    return grew
  }

  /** One connection that still receives speaks for both; how long a silence means something depends on what was before it. */
  private judge(heard: boolean, now: number): void {
    if (this.dead && heard) {
      this.dead = false
      this.hooks.back()
    }
    const heardOn = [...this.courses.values()].filter((one) => one.heard)
    if (this.dead || heardOn.length === 0) return
    const silent_ms = now - Math.max(...[...this.courses.values()].map((one) => one.heardAtMs))
    const steady = heardOn.some((one) => one.heardAtMs - one.steadySinceMs >= STEADY_FOR_MS)
    const longest_ms = steady ? SILENT_AFTER_MS : DEAD_AFTER_MS
    const doubted = silent_ms >= longest_ms / 2
    if (doubted && !this.doubted) this.hooks.suspicious()
    this.doubted = doubted
    if (silent_ms < longest_ms) return
    for (const course of this.courses.values()) course.steadySinceMs = now
    this.dead = true
    this.hooks.silent()
  }
}

interface PairReport {
  id?: string
  type: string
  bytesReceived?: number
  responsesReceived?: number
}

/** Bytes of media and answers to checks that each candidate pair of a connection has received so far; none where it does not tell. */
async function receivedCounts(connection: RTCPeerConnection): Promise<Map<string, number>> {
  try {
    const pairs = [...(await connection.getStats()).values()].filter((report: PairReport) => report.type === 'candidate-pair') as PairReport[]
    return new Map(pairs.map((pair) => [pair.id ?? '', (pair.bytesReceived ?? 0) + (pair.responsesReceived ?? 0)]))
  } catch {
    return new Map()
  }
}
