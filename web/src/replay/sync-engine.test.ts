import { describe, expect, it } from 'vitest'
import { correct, inGap, placeOf } from './correction'
import { FakeMedia } from './fake-media'
import { MasterClock } from './master-clock'
import { LONGEST_WAIT_MS, START_TAKES_MS, SyncEngine } from './sync-engine'

class Bench {
  now = 1_000
  readonly engine: SyncEngine
  readonly players: { media: FakeMedia; offset_ms: number }[] = []
  constructor(private readonly duration_ms = 60_000) {
    this.engine = new SyncEngine(duration_ms)
  }
  add(offset_ms: number, duration_ms = this.duration_ms - offset_ms, media = new FakeMedia(duration_ms / 1000)): FakeMedia {
    this.engine.add({ id: String(this.players.length), span: { offset_ms, duration_ms }, media }, this.now)
    this.players.push({ media, offset_ms })
    return media
  }
  pass(milliseconds: number): void {
    for (let done = 0; done < milliseconds; done += 20) {
      this.now += 20
      for (const { media } of this.players) media.pass(20)
      if (done % 100 === 80) this.engine.tick(this.now)
    }
  }
  /** Largest distance between any stream and the clock, in ms on the lesson's time line. */
  spread(): number {
    const master_ms = this.engine.state(this.now).position_ms
    return Math.max(...this.players.map(({ media, offset_ms }) => Math.abs(media.currentTime * 1000 + offset_ms - master_ms)))
  }
}

describe('SyncEngine', () => {
  it('keeps streams of different start within 50 ms while their clocks drift', () => {
    const bench = new Bench()
    bench.add(0)
    bench.add(2_500, 57_500, new FakeMedia(57.5, 1.004))
    bench.add(800, 59_200, new FakeMedia(59.2, 0.995))
    bench.engine.play(bench.now)
    bench.pass(4_000)
    let worst = 0
    for (let second = 0; second < 20; second++) {
      bench.pass(1_000)
      worst = Math.max(worst, bench.spread())
    }
    expect(worst).toBeLessThan(40)
  })

  it('waits at the end of what there is of a running lesson, and goes on when there is more', () => {
    const bench = new Bench(10_000)
    const media = bench.add(0, 60_000)
    bench.engine.setDuration(10_000, true, bench.now)
    bench.engine.seek(9_000, bench.now)
    bench.engine.play(bench.now)
    bench.pass(3_000)
    expect(bench.engine.state(bench.now)).toMatchObject({ playing: true, waiting: true, position_ms: 10_000 })
    expect(media.paused).toBe(true)
    bench.engine.setDuration(20_000, true, bench.now)
    bench.pass(3_000)
    const { position_ms, waiting } = bench.engine.state(bench.now)
    expect(waiting).toBe(false)
    expect(position_ms).toBeGreaterThan(12_500)
    expect(position_ms).toBeLessThan(13_100)
    expect(bench.spread()).toBeLessThan(40)
    bench.engine.setDuration(13_500, false, bench.now)
    bench.pass(3_000)
    expect(bench.engine.state(bench.now).playing).toBe(false)
  })

  it('starts a stream that begins in the middle a moment earlier, so that it is there when it begins', () => {
    const bench = new Bench()
    bench.add(0)
    bench.add(2_000, 20_000, new FakeMedia(20, 1, 60, START_TAKES_MS))
    bench.engine.play(bench.now)
    bench.pass(1_700)
    let worst = 0
    for (let done = 0; done < 600; done += 10) {
      bench.now += 10
      for (const { media } of bench.players) media.pass(10)
      if (bench.engine.wantsCloseTicks(bench.now) || done % 100 === 0) bench.engine.tick(bench.now)
      if (bench.engine.state(bench.now).position_ms >= 2_000) worst = Math.max(worst, bench.spread())
    }
    expect(worst).toBeLessThan(40)
  })

  it('plays a drift of a fifth of a second away without seeking', () => {
    const bench = new Bench()
    bench.add(0)
    const late = bench.add(0)
    bench.engine.play(bench.now)
    bench.pass(1_000)
    late.currentTime += 0.2
    late.seeking = false
    const seeks = late.seeks
    bench.pass(3_000)
    expect(late.seeks).toBe(seeks)
    expect(bench.spread()).toBeLessThan(40)
  })

  it('starts a stream that joined later at its time, and leaves it alone before and after', () => {
    const bench = new Bench(20_000)
    bench.add(0)
    const short = bench.add(3_000, 4_000)
    bench.engine.play(bench.now)
    bench.pass(2_500)
    expect(short.paused).toBe(true)
    bench.pass(2_000)
    expect(short.paused).toBe(false)
    expect(bench.spread()).toBeLessThan(40)
    bench.pass(4_000)
    expect(short.paused).toBe(true)
    expect(bench.engine.state(bench.now).waiting).toBe(false)
  })

  it.each([0.5, 1.5, 2])('stays together at %f times the speed', (rate) => {
    const bench = new Bench()
    bench.add(0)
    bench.add(1_000, 59_000, new FakeMedia(59, 1.003))
    bench.engine.setRate(rate, bench.now)
    bench.engine.play(bench.now)
    bench.pass(10_000)
    expect(bench.spread()).toBeLessThan(40)
    expect(bench.engine.state(bench.now).position_ms).toBeGreaterThan(9_500 * rate)
  })

  it('brings all to the sought place, while it plays and while it stands', () => {
    const bench = new Bench()
    bench.add(0)
    bench.add(2_000)
    bench.engine.seek(30_000, bench.now)
    expect(bench.spread()).toBeLessThan(1)
    bench.engine.play(bench.now)
    bench.pass(1_000)
    bench.engine.seek(10_000, bench.now)
    bench.pass(2_000)
    expect(bench.spread()).toBeLessThan(40)
  })

  it('waits for a stream without data, all together, and goes on with it', () => {
    const bench = new Bench()
    const good = bench.add(0)
    const starved = bench.add(0)
    bench.engine.play(bench.now)
    bench.pass(2_000)
    starved.readyState = 2
    bench.pass(3_000)
    expect(bench.engine.state(bench.now).waiting).toBe(true)
    expect(good.paused).toBe(true)
    starved.readyState = 4
    bench.pass(1_000)
    expect(bench.engine.state(bench.now)).toMatchObject({ waiting: false, playing: true })
    expect(bench.spread()).toBeLessThan(40)
  })

  it('goes on without a stream that gives nothing for long, or is broken', () => {
    const bench = new Bench()
    bench.add(0)
    const starved = bench.add(0)
    bench.engine.play(bench.now)
    bench.pass(1_000)
    starved.readyState = 1
    bench.pass(LONGEST_WAIT_MS + 2_000)
    expect(bench.engine.state(bench.now).waiting).toBe(false)
    starved.error = new Error('no')
    const before_ms = bench.engine.state(bench.now).position_ms
    bench.pass(1_000)
    expect(bench.engine.state(bench.now).position_ms).toBeGreaterThan(before_ms + 900)
  })

  it('does not stall or seek on and on at a file that ends a moment early', () => {
    const bench = new Bench(10_000)
    bench.add(0)
    const early = bench.add(0, 8_000, new FakeMedia(7.96))
    bench.engine.play(bench.now)
    bench.pass(9_000)
    expect(early.seeks).toBeLessThan(3)
    expect(bench.engine.state(bench.now).waiting).toBe(false)
  })

  it('stops at the end and starts over from there', () => {
    const bench = new Bench(3_000)
    bench.add(0)
    bench.engine.play(bench.now)
    bench.pass(4_000)
    expect(bench.engine.state(bench.now)).toMatchObject({ playing: false, position_ms: 3_000 })
    bench.engine.play(bench.now)
    expect(bench.engine.state(bench.now).position_ms).toBe(0)
  })
})

describe('correct', () => {
  const span = { offset_ms: 1_000, duration_ms: 10_000 }
  const at = (position_ms: number, busy = false, correcting = false) => correct(span, { position_ms, busy, correcting }, 5_000, 1)

  it.each([
    [4_000, { action: 'rate', rate: 1 }],
    [4_010, { action: 'rate', rate: 1 }],
    [5_000, { action: 'seek', position_ms: 4_000 }],
  ])('at %i ms: %o', (position_ms, expected) => {
    expect(at(position_ms)).toEqual(expected)
  })

  it('nudges towards the clock and never far', () => {
    const rateAt = (position_ms: number) => (at(position_ms) as { rate: number }).rate
    expect(rateAt(4_020)).toBeCloseTo(0.971)
    expect(rateAt(3_980)).toBeCloseTo(1.029)
  })

  it('hurries after a slow start, still never far', () => {
    const rateAt = (position_ms: number) => (at(position_ms) as { rate: number }).rate
    expect(rateAt(3_940)).toBeCloseTo(1.3)
    expect(rateAt(3_700)).toBeCloseTo(1.4)
    expect(rateAt(4_340)).toBeCloseTo(0.6)
  })

  it('corrects what it has begun to correct until it is there, not only to the edge of what is left alone', () => {
    const rateAt = (position_ms: number) => (at(position_ms, false, true) as { rate: number }).rate
    expect(rateAt(4_010)).toBeCloseTo(0.986)
    expect(rateAt(4_002)).toBe(1)
  })

  it('leaves an element alone while it seeks', () => {
    expect(at(9_000, true)).toEqual({ action: 'wait' })
  })
})

describe('places', () => {
  const span = { offset_ms: 1_000, duration_ms: 4_000 }
  it('knows before, inside and after', () => {
    expect([500, 1_000, 4_999, 5_000].map((ms) => placeOf(span, ms).inside)).toEqual([false, true, true, false])
    expect([0, 9_000].map((ms) => placeOf(span, ms).position_ms)).toEqual([0, 4_000])
  })

  it('knows the gaps of the file on the lesson time line', () => {
    expect([2_999, 3_000, 3_499, 3_500].map((ms) => inGap(span, [[2_000, 2_500]], ms))).toEqual([false, true, true, false])
  })
})

describe('MasterClock', () => {
  it('moves only while it runs, at its rate, within its bounds', () => {
    const clock = new MasterClock(10_000)
    expect(clock.position(500)).toBe(0)
    clock.run(1_000)
    expect(clock.position(1_500)).toBe(500)
    clock.setRate(2, 1_500)
    expect(clock.position(2_000)).toBe(1_500)
    clock.stop(2_000)
    expect(clock.position(9_000)).toBe(1_500)
    clock.seek(99_999, 9_000)
    expect(clock.position(9_000)).toBe(10_000)
  })
})
