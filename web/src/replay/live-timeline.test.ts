import { describe, expect, it } from 'vitest'
import { placeOf, spanOf } from './correction'
import { isPresent } from './layout'
import { EDGE_BEHIND_MS, LiveTimeline } from './live-timeline'
import type { RecordedStream, Recording } from './recording'

const stream = (id: string, offset_ms: number, duration_ms: number, growing = true) => ({ id, source: 'camera', role: 'room', offset_ms, duration_ms, growing, gaps: [], has_picture: true }) as unknown as RecordedStream
const recording = (origin_at: string, streams: RecordedStream[]) => ({ origin_at, streams, events: [{ at_ms: 500, type: 'lesson_started', party_name: '' }] }) as unknown as Recording

describe('the timeline of a running lesson', () => {
  it('stays where it was when an earlier beginning becomes known', () => {
    const live = new LiveTimeline()
    live.take(recording('2026-09-01T08:00:03Z', [stream('lead', 0, 20_000)]), 0)
    const later = live.take(recording('2026-09-01T08:00:00.500Z', [stream('room', 0, 25_000), stream('lead', 2_500, 22_000)]))
    expect(later.streams.map((one) => one.offset_ms)).toEqual([-2_500, 0])
    expect(later.duration_ms).toBe(22_500 - EDGE_BEHIND_MS)
    expect([later.shift_ms, later.events[0]?.at_ms]).toEqual([-2_500, 0])
    expect(live.placeIn(recording('2026-09-01T08:00:00Z', []), 10_000)).toBe(13_000)
  })

  it('goes to the end of files that have ended, and a little less far in those that grow', () => {
    const live = new LiveTimeline()
    const taken = live.take(recording('2026-09-01T08:00:00Z', [stream('gone', 0, 30_000, false), stream('lead', 0, 31_000)]))
    expect(taken.duration_ms).toBe(30_000)
  })

  it('tells files that wait for nothing, and screens that are shared no more', () => {
    const live = new LiveTimeline()
    const screen = { ...stream('screen', 0, 9_000), source: 'screen', party_name: 'lead' } as RecordedStream
    const at = (events: string[], now_ms: number) => {
      const asked = { ...recording('2026-09-01T08:00:00Z', [stream('lead', 0, now_ms), screen]), events: events.map((type) => ({ at_ms: 0, type, party_name: 'lead' })) }
      return live.take(asked, now_ms).streams.map(({ growing, settled }) => [growing, settled])
    }
    expect(at(['screen_started'], 9_000)).toEqual([[true, false], [true, false]])
    expect(at(['screen_started'], 15_000)).toEqual([[true, false], [true, true]])
    expect(at(['screen_started', 'screen_ended'], 17_000)).toEqual([[true, false], [false, true]])
  })

  it('lets a stream wait at the end of a break instead of holding up the others', () => {
    const broken = { ...stream('lead', 1_000, 20_000), live: true, gaps: [[5_000, 8_000]] as [number, number][] }
    expect(placeOf(spanOf(broken), 7_000)).toEqual({ position_ms: 8_000, inside: false })
    expect(placeOf(spanOf(broken), 9_100)).toEqual({ position_ms: 8_100, inside: true })
    expect(isPresent(broken, 7_000)).toBe(false)
  })

  it('keeps a still screen on the wall while it grows', () => {
    const screen = { ...stream('screen', 1_000, 2_000), source: 'screen' as const }
    expect([isPresent(screen, 500), isPresent(screen, 60_000), isPresent({ ...screen, growing: false }, 60_000)]).toEqual([false, true, false])
  })
})
