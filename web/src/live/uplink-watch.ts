/** Watches the publishing side of one join and lets it send as many layers as this computer's own line carries. */
import type { LiveBrowser } from './browser'
import type { Publisher } from './publisher'
import { LOOK_EVERY_MS, readUplink, UplinkJudge } from './uplink'

export class UplinkWatch {
  private readonly judge = new UplinkJudge()
  private timer: number | null = null

  constructor(
    private readonly browser: Pick<LiveBrowser, 'setTimer' | 'clearTimer' | 'nowMs'>,
    private readonly publisher: Publisher,
    /** Called when it begins or ceases to be this computer's line that holds its picture back. */
    private readonly onChange: (weak: boolean) => void,
  ) {
    this.wait()
  }

  stop(): void {
    if (this.timer !== null) this.browser.clearTimer(this.timer)
    this.timer = null
  }

  private wait(): void {
    this.timer = this.browser.setTimer(() => void this.look(), LOOK_EVERY_MS)
  }

  private async look(): Promise<void> {
    const report = await this.publisher.connection.getStats().catch(() => null)
    if (this.timer === null) return
    if (report) {
      const { available_bps, limited } = readUplink(report.values())
      const before = this.judge.all
      const all = this.judge.take(available_bps, limited, this.browser.nowMs())
      void this.publisher.setManyLayers(all)
      if (all !== before) this.onChange(!all)
    }
    this.wait()
  }
}
