import { describe, expect, it } from 'vitest'
import { FeedPulse, packetsOf, STOPPED_AFTER_MS } from './feed-pulse'
import type { RemoteFeed } from './remote-media'
import { FakeStream, FakeTrack } from './fake-browser'

const EVERY_MS = 400

function feed(party: string, sound = true): RemoteFeed {
  const tracks = [new FakeTrack('video', `v-${party}`), ...(sound ? [new FakeTrack('audio', `a-${party}`)] : [])]
  const stream = new FakeStream(tracks) as unknown as MediaStream
  return { party_id: party, group: 'camera', stream, hasPicture: true, hasSound: sound, soundReceiver: null }
}

/** Looks as the page does; each party's sound gains as many packets a look as `gains` says. */
class Watched {
  readonly pulse = new FeedPulse()
  private now = 10_000
  private readonly counts = new Map<string, number>()

  constructor(private readonly feeds: RemoteFeed[]) {}

  pass(milliseconds: number, gains: Record<string, number>, lineIsWell = true): string[] {
    let stopped = new Set<string>()
    for (const end = this.now + milliseconds; this.now < end; this.now += EVERY_MS) {
      for (const [party, gain] of Object.entries(gains)) this.counts.set(`a-${party}`, (this.counts.get(`a-${party}`) ?? 0) + gain)
      stopped = this.pulse.stopped(this.feeds, this.counts, lineIsWell, this.now)
    }
    return [...stopped]
  }

  standStill(milliseconds: number): void {
    this.now += milliseconds
  }
}

describe('whose picture and sound have stopped', () => {
  it('is the one that sends nothing any more, until it sends again', () => {
    const watched = new Watched([feed('room:r1'), feed('room:r2')])
    expect(watched.pass(4_000, { 'room:r1': 20, 'room:r2': 1 })).toEqual([])
    expect(watched.pass(STOPPED_AFTER_MS - EVERY_MS, { 'room:r2': 1 })).toEqual([])
    expect(watched.pass(2 * EVERY_MS, { 'room:r2': 1 })).toEqual(['room:r1'])
    expect(watched.pass(EVERY_MS, { 'room:r1': 1, 'room:r2': 1 })).toEqual([])
  })

  it('is nobody while the line is away here, and nobody at once when it is back', () => {
    const watched = new Watched([feed('room:r1')])
    watched.pass(2_000, { 'room:r1': 20 })
    expect(watched.pass(20_000, {}, false)).toEqual([])
    expect(watched.pass(STOPPED_AFTER_MS - EVERY_MS, {})).toEqual([])
    expect(watched.pass(2 * EVERY_MS, {})).toEqual(['room:r1'])
  })

  it('is nobody after this page stood still', () => {
    const watched = new Watched([feed('room:r1')])
    watched.pass(2_000, { 'room:r1': 20 })
    watched.standStill(60_000)
    expect(watched.pass(EVERY_MS, {})).toEqual([])
  })

  it('is nobody who never sent, and nobody without sound, whose picture may be paused', () => {
    const watched = new Watched([feed('room:r1'), feed('room:r2', false)])
    expect(watched.pass(10_000, {})).toEqual([])
  })

  it('is counted from the statistics of the receiving connection', () => {
    const report = [{ type: 'inbound-rtp', trackIdentifier: 'a', packetsReceived: 7 }, { type: 'inbound-rtp', trackIdentifier: 'b' }, { type: 'transport' }]
    expect(packetsOf(report)).toEqual(new Map([['a', 7], ['b', 0]]))
  })
})
