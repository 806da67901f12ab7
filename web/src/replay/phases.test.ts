import { describe, expect, it } from 'vitest'
import { commonPhases, lessonTime, masterTime, phasedTimeline } from './phases'

const long = { duration_ms: 100_000, phases: { introduction: 10_000, new_teaching: 40_000, practice: 80_000 } }
const short = { duration_ms: 60_000, phases: { introduction: 5_000, new_teaching: 15_000, summary: 50_000 } }

describe('lessons locked by phases', () => {
  it('are locked by the phases all of them have', () => {
    expect(commonPhases([long, short])).toEqual(['introduction', 'new_teaching'])
    expect(commonPhases([])).toEqual([])
  })

  it('begin each common phase together, which lasts as long as the longest', () => {
    const timeline = phasedTimeline([long, short])
    expect(timeline.marks).toEqual([{ phase: 'introduction', at_ms: 10_000 }, { phase: 'new_teaching', at_ms: 40_000 }])
    expect(timeline.duration_ms).toBe(100_000)
    const second = timeline.segments[1] ?? []
    expect(lessonTime(second, 10_000)).toEqual({ position_ms: 5_000, waiting: false })
    expect(lessonTime(second, 19_000)).toEqual({ position_ms: 14_000, waiting: false })
    expect(lessonTime(second, 25_000)).toEqual({ position_ms: 15_000, waiting: true })
    expect(lessonTime(second, 40_000)).toEqual({ position_ms: 15_000, waiting: false })
    expect(lessonTime(second, 99_000)).toEqual({ position_ms: 60_000, waiting: true })
  })

  it('play by time where nothing is marked', () => {
    const timeline = phasedTimeline([{ duration_ms: 5_000, phases: {} }, { duration_ms: 9_000, phases: {} }])
    expect(timeline.duration_ms).toBe(9_000)
    expect(lessonTime(timeline.segments[0] ?? [], 4_000)).toEqual({ position_ms: 4_000, waiting: false })
    expect(lessonTime(timeline.segments[0] ?? [], 6_000)).toEqual({ position_ms: 5_000, waiting: true })
  })

  it('find the way back from a moment of a lesson', () => {
    const timeline = phasedTimeline([long, short])
    for (const segments of timeline.segments) {
      for (const at of [0, 4_000, 12_000, 30_000, 59_000]) {
        expect(lessonTime(segments, masterTime(segments, at)).position_ms).toBe(at)
      }
    }
  })
})
