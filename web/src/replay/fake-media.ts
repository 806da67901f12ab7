/** A media element for tests: plays as time is moved, with a clock of its own that may be wrong, and stalls when told. */
import type { MediaLike } from './sync-engine'

export class FakeMedia implements MediaLike {
  playbackRate = 1
  paused = true
  seeking = false
  readyState = 4
  error: unknown = null
  seeks = 0
  private position_s = 0
  private seekLeft_ms = 0
  private startLeft_ms = 0

  constructor(
    private readonly duration_s: number,
    /** 1.001 plays a thousandth too fast. */
    private readonly skew = 1,
    private readonly seekTakes_ms = 60,
    /** From play() until it moves. */
    private readonly startTakes_ms = 0,
  ) {}

  get currentTime(): number {
    return this.position_s
  }
  set currentTime(value: number) {
    this.position_s = Math.min(this.duration_s, Math.max(0, value))
    this.seeks++
    this.seeking = true
    this.seekLeft_ms = this.seekTakes_ms
  }
  get ended(): boolean {
    return this.position_s >= this.duration_s
  }
  play(): Promise<void> {
    if (this.paused) this.startLeft_ms = this.startTakes_ms
    this.paused = false
    return Promise.resolve()
  }
  pause(): void {
    this.paused = true
  }
  pass(milliseconds: number): void {
    if (this.seeking) {
      this.seekLeft_ms -= milliseconds
      if (this.seekLeft_ms <= 0) this.seeking = false
      return
    }
    if (this.paused || this.readyState < 3) return
    if (this.startLeft_ms > 0) {
      this.startLeft_ms -= milliseconds
      return
    }
    this.position_s = Math.min(this.duration_s, this.position_s + (milliseconds / 1000) * this.playbackRate * this.skew)
  }
}
