/** The one clock of a replay: where in the lesson we are, in ms after its origin. Moves only by what it is told; reads no clock itself. */

export class MasterClock {
  private anchorPosition_ms = 0
  private anchorNow_ms = 0
  private running = false
  private speed = 1

  constructor(private duration_ms: number) {}

  get rate(): number {
    return this.speed
  }

  get isRunning(): boolean {
    return this.running
  }

  /** Position within [0, duration] at monotonic `now_ms`. */
  position(now_ms: number): number {
    const moved = this.running ? (now_ms - this.anchorNow_ms) * this.speed : 0
    return Math.min(this.duration_ms, Math.max(0, this.anchorPosition_ms + moved))
  }

  setDuration(duration_ms: number): void {
    this.duration_ms = duration_ms
  }

  run(now_ms: number): void {
    this.anchor(now_ms)
    this.running = true
  }

  stop(now_ms: number): void {
    this.anchor(now_ms)
    this.running = false
  }

  seek(position_ms: number, now_ms: number): void {
    this.anchorPosition_ms = Math.min(this.duration_ms, Math.max(0, position_ms))
    this.anchorNow_ms = now_ms
  }

  setRate(rate: number, now_ms: number): void {
    this.anchor(now_ms)
    this.speed = rate
  }

  private anchor(now_ms: number): void {
    this.anchorPosition_ms = this.position(now_ms)
    this.anchorNow_ms = now_ms
  }
}
