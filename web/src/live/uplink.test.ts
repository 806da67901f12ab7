import { describe, expect, it } from 'vitest'
import { LOOK_EVERY_MS, readUplink, UplinkJudge } from './uplink'

/** Feeds a line of `bps` for `seconds` from `fromMs` on; gives for how many looks all layers were allowed. */
function feed(judge: UplinkJudge, bps: number, seconds: number, fromMs: number, limited = bps < 1_500_000) {
  let allowed = 0
  for (let ms = fromMs; ms < fromMs + 1000 * seconds; ms += LOOK_EVERY_MS) allowed += judge.take(bps, limited, ms) ? 1 : 0
  return allowed
}

describe('the judge of the uplink', () => {
  it('lets all layers be sent on a good line, and while nothing is known', () => {
    const judge = new UplinkJudge()
    expect(judge.take(null, false, 0)).toBe(true)
    expect(feed(judge, 3_000_000, 20, 0)).toBe(10)
  })

  it('keeps to one layer on a weak line', () => {
    const judge = new UplinkJudge()
    feed(judge, 600_000, 10, 0)
    expect(judge.all).toBe(false)
    expect(feed(judge, 600_000, 300, 10_000)).toBe(0)
  })

  it('is not moved by one low figure', () => {
    const judge = new UplinkJudge()
    judge.take(300_000, true, 0)
    expect(judge.take(2_000_000, false, 2_000)).toBe(true)
    expect(judge.take(300_000, true, 4_000)).toBe(true)
  })

  it('tries again later and later on a line in between', () => {
    const judge = new UplinkJudge()
    const tries: number[] = []
    let before = true
    for (let ms = 0; ms < 400_000; ms += LOOK_EVERY_MS) {
      const all = judge.take(900_000, true, ms)
      if (all && !before) tries.push(ms)
      before = all
    }
    const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0))
    expect(tries.length).toBeGreaterThan(2)
    expect([...gaps].sort((a, b) => a - b)).toEqual(gaps)
  })

  it('returns to all layers within half a minute once the line is good again', () => {
    const judge = new UplinkJudge()
    feed(judge, 500_000, 10, 0)
    feed(judge, 5_000_000, 30, 10_000)
    expect(judge.all).toBe(true)
  })
})

describe('reading the statistics', () => {
  it('takes the nominated pair and notices a picture lowered for the line', () => {
    const stats = [
      { type: 'candidate-pair', nominated: false, availableOutgoingBitrate: 9e6 },
      { type: 'candidate-pair', nominated: true, availableOutgoingBitrate: 7e5 },
      { type: 'outbound-rtp', qualityLimitationReason: 'bandwidth' },
    ]
    expect(readUplink(stats)).toEqual({ available_bps: 7e5, limited: true })
    expect(readUplink([])).toEqual({ available_bps: null, limited: false })
  })
})
