/**
 * Whether this computer's own line carries the picture in several layers, judged by what the browser believes may be sent.
 * Pure: give it a figure every two seconds. Down quickly, up only after some time, and later and later if it did not last.
 */

export const LOOK_EVERY_MS = 2_000
/** Both layers and the sound, with what resending takes. */
export const ENOUGH_FOR_ALL_BPS = 1_100_000
export const TOO_LITTLE_FOR_ALL_BPS = 800_000
const LOW_FOR_MS = 4_000
const FIRST_WAIT_MS = 10_000
const LONGEST_WAIT_MS = 120_000
const LASTED_MS = 60_000
const UNSURE_WAIT_MS = 40_000

export class UplinkJudge {
  /** Whether all layers may be sent. */
  all = true
  private lowSinceMs: number | null = null
  private waitUntilMs = 0
  private waitMs = FIRST_WAIT_MS
  private allSinceMs = 0

  /** Takes what may be sent now, in bits per second; `limited` says that the browser lowers the picture for the line's sake. */
  take(available_bps: number | null, limited: boolean, nowMs: number): boolean {
    if (available_bps === null) return this.all
    if (this.all) this.watchForLack(available_bps, limited, nowMs)
    else if (this.isWorthTrying(available_bps, nowMs)) {
      this.all = true
      this.allSinceMs = nowMs
      this.lowSinceMs = null
    }
    return this.all
  }

  private isWorthTrying(available_bps: number, nowMs: number): boolean {
    if (available_bps >= ENOUGH_FOR_ALL_BPS) return nowMs >= this.waitUntilMs
    // A small layer alone does not let the browser's figure climb far: then trying is the only way to know, and costs a jolt.
    return available_bps >= TOO_LITTLE_FOR_ALL_BPS && nowMs >= this.waitUntilMs + UNSURE_WAIT_MS
  }

  private watchForLack(available_bps: number, limited: boolean, nowMs: number): void {
    if (nowMs - this.allSinceMs >= LASTED_MS) this.waitMs = FIRST_WAIT_MS
    if (available_bps >= ENOUGH_FOR_ALL_BPS || (!limited && available_bps >= TOO_LITTLE_FOR_ALL_BPS)) this.lowSinceMs = null
    else this.lowSinceMs ??= nowMs
    if (this.lowSinceMs === null || nowMs - this.lowSinceMs < LOW_FOR_MS) return
    this.all = false
    this.waitUntilMs = nowMs + this.waitMs
    this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS)
  }
}

/** What getStats of a publishing peer connection says of the line: what may be sent, and whether the camera suffers by it. */
export function readUplink(reports: Iterable<unknown>): { available_bps: number | null; limited: boolean } {
  let available_bps: number | null = null
  let limited = false
  for (const report of reports) {
    const one = report as { type?: string; nominated?: boolean; availableOutgoingBitrate?: number; qualityLimitationReason?: string }
    if (one.type === 'candidate-pair' && one.nominated && typeof one.availableOutgoingBitrate === 'number') {
      available_bps = Math.max(available_bps ?? 0, one.availableOutgoingBitrate)
    }
    if (one.type === 'outbound-rtp' && one.qualityLimitationReason === 'bandwidth') limited = true
  }
  return { available_bps, limited }
}
