/** Collects what is really played, in stretches of the lesson's timeline, and reports it every quarter of a minute. */

export type Part = [from_ms: number, to_ms: number]

/** A larger step between two looks is a jump, not playing: looks are a tenth of a second apart, at most at double speed. */
const LARGEST_STEP_MS = 2_500
const REPORT_EVERY_MS = 15_000

/** Whether somebody can be watching: what plays in a tab that nobody sees is no observation. */
export function isWatched(now: { playing: boolean; waiting: boolean }, page: Pick<Document, 'visibilityState'> = document): boolean {
  return now.playing && !now.waiting && page.visibilityState === 'visible'
}

export class PlayedParts {
  private parts: Part[] = []
  private last_ms: number | null = null

  /** Where the lesson is now, and whether it moves. */
  look(position_ms: number, moving: boolean): void {
    const step = this.last_ms === null ? -1 : position_ms - this.last_ms
    if (step > 0 && step <= LARGEST_STEP_MS) this.extend(this.last_ms ?? 0, position_ms)
    this.last_ms = moving ? position_ms : null
  }

  /** Gives what was played since it was last asked, whole ms. */
  drain(): Part[] {
    const drained = this.parts.map(([from, to]): Part => [Math.round(from), Math.round(to)])
    this.parts = []
    return drained.filter(([from, to]) => to > from)
  }

  /** Puts back what could not be reported. */
  restore(parts: Part[]): void {
    this.parts = [...parts.map((part): Part => [...part]), ...this.parts].slice(-100)
  }

  private extend(from_ms: number, to_ms: number): void {
    const last = this.parts.at(-1)
    if (last && Math.abs(last[1] - from_ms) < 1) last[1] = to_ms
    else this.parts.push([from_ms, to_ms])
  }
}

/** Reports through `send` while looks come in; a report that failed is sent again with the next. */
export class WatchReporter {
  private readonly played = new PlayedParts()
  private reportedAt_ms = -Infinity
  private moving = false
  private sending = false

  constructor(private readonly send: (parts: Part[], leaving: boolean) => Promise<unknown>) {}

  look(position_ms: number, moving: boolean, now_ms: number): void {
    this.played.look(position_ms, moving)
    if (moving && !this.moving) {
      this.reportedAt_ms = now_ms
      // Tells the service when playing began: it believes no more than the time since then.
      this.send([], false).catch(() => undefined)
    }
    const due = now_ms - this.reportedAt_ms >= REPORT_EVERY_MS
    if ((this.moving && !moving) || (moving && due)) this.report(now_ms, false)
    this.moving = moving
  }

  /** The page goes away: reports what is left at once. */
  leave(now_ms: number): void {
    this.report(now_ms, true)
  }

  private report(now_ms: number, leaving: boolean): void {
    if (this.sending && !leaving) return
    const parts = this.played.drain()
    if (parts.length === 0) return
    this.reportedAt_ms = now_ms
    this.sending = true
    this.send(parts, leaving)
      .catch(() => this.played.restore(parts))
      .finally(() => {
        this.sending = false
      })
  }
}
