/** Looks whether media still arrives: bytes that stopped growing mean that the path is dead, long before ICE says so. */
import type { LiveBrowser } from './browser'

export const PULSE_AFTER_MS = 1_000

export class MediaPulse {
  private timer: number | null = null
  private stopped = false

  /** Calls `dead` once if a connection that has received something receives nothing for a second. */
  constructor(
    private readonly browser: LiveBrowser,
    connections: readonly RTCPeerConnection[],
    dead: () => void,
  ) {
    const first = Promise.all(connections.map(receivedBytes))
    this.timer = browser.setTimer(() => {
      void Promise.all([first, Promise.all(connections.map(receivedBytes))]).then(([before, after]) => {
        if (!this.stopped && before.some((count, index) => count > 0 && after[index] === count)) dead()
      })
    }, PULSE_AFTER_MS)
  }

  stop(): void {
    this.stopped = true
    if (this.timer !== null) this.browser.clearTimer(this.timer)
  }
}

/** Payload bytes of a connection so far; 0 where it does not tell. */
async function receivedBytes(connection: RTCPeerConnection): Promise<number> {
  try {
    const reports = [...(await connection.getStats()).values()] as { type: string; bytesReceived?: number }[]
    return reports.filter((report) => report.type === 'candidate-pair').reduce((sum, report) => sum + (report.bytesReceived ?? 0), 0)
  } catch {
    return 0
  }
}
