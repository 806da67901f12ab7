/** How long one picture of a stream stands, measured while it plays: what a step from picture to picture needs. */

const SHORTEST_MS = 8
const LONGEST_MS = 250
const REMEMBERED = 31
/** Classroom cameras of this project send fifteen pictures a second. */
export const USUAL_FRAME_MS = 1000 / 15

export class FrameLength {
  private last_ms: number | null = null
  private readonly lengths: number[] = []

  /** A picture with this time of the file was shown. */
  shown(mediaTime_ms: number): void {
    const length = this.last_ms === null ? 0 : mediaTime_ms - this.last_ms
    this.last_ms = mediaTime_ms
    if (length < SHORTEST_MS || length > LONGEST_MS) return
    this.lengths.push(length)
    if (this.lengths.length > REMEMBERED) this.lengths.shift()
  }

  /** The median of what was seen; the usual length before anything was. */
  get frame_ms(): number {
    if (this.lengths.length < 3) return USUAL_FRAME_MS
    const sorted = [...this.lengths].sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? USUAL_FRAME_MS
  }
}
