import { describe, expect, it } from 'vitest'
import type { RecordedStream, Recording, Timeline } from './recording'
import { chaptersOf, speakersOf, spokenShare, thumbnailAt } from './timeline-view'

const base = { content_type: 'video/mp4', has_picture: true, has_sound: true, width: 640, height: 360, bytes: 1, gaps: [] as [number, number][], media_url: '', download_url: '' }
const streams: RecordedStream[] = [
  { ...base, id: 'r1', party_id: 'room', party_name: '村小', role: 'room', source: 'camera', offset_ms: 0, duration_ms: 30_000 },
  { ...base, id: 'r2', party_id: 'room', party_name: '村小', role: 'room', source: 'camera', offset_ms: 40_000, duration_ms: 20_000 },
  { ...base, id: 'lead', party_id: 'lead', party_name: '主讲', role: 'lead', source: 'camera', offset_ms: 0, duration_ms: 60_000 },
  { ...base, id: 'slides', party_id: 'lead', party_name: '主讲', role: 'lead', source: 'screen', offset_ms: 20_000, duration_ms: 10_000, has_sound: false },
]
const recording = { streams, events: [{ at_ms: 0, type: 'lesson_started', party_name: '' }, { at_ms: 9_000, type: 'party_joined', party_name: '' }, { at_ms: 50_000, type: 'party_left', party_name: '村小' }] } as unknown as Recording
const sheet = (url: string, tiles: number[]) => ({ url, tile_width: 160, tile_height: 90, columns: 2, tiles })
const timeline: Timeline = {
  complete: true,
  streams: [
    { stream_id: 'r1', speech: [[1_000, 3_000]], sheet: null },
    { stream_id: 'r2', speech: [[41_000, 42_000], [2_500, 4_000]], sheet: null },
    { stream_id: 'lead', speech: [[0, 30_000]], sheet: sheet('/lead', [0, 10_000, 20_000, 30_000]) },
    { stream_id: 'slides', speech: [[0, 1]], sheet: sheet('/slides', [20_000]) },
  ],
  chapters: [{ at_ms: 41_000, until_ms: 42_000, type: 'room_spoke', party_name: '村小' }],
}

describe('the timeline', () => {
  it('has one row for each party that has sound, the lead first', () => {
    const speakers = speakersOf(recording, timeline)
    expect(speakers.map((one) => [one.party_name, one.parts])).toEqual([['主讲', [[0, 30_000]]], ['村小', [[1_000, 4_000], [41_000, 42_000]]]])
    expect(speakers.map((one) => spokenShare(one, 60_000))).toEqual([0.5, expect.closeTo(4 / 60, 5)])
    expect(speakersOf(recording, null)).toEqual([])
  })

  it('puts all chapters in one order', () => {
    expect(chaptersOf(recording, timeline).map((chapter) => chapter.type)).toEqual(['lesson_started', 'room_spoke', 'party_left'])
  })

  it('shows the tile of the moment, a shared screen first', () => {
    expect(thumbnailAt(recording, timeline, 15_000)).toMatchObject({ at_ms: 10_000, style: { backgroundImage: 'url("/lead")', backgroundPosition: '-160px -0px' } })
    expect(thumbnailAt(recording, timeline, 25_000)).toMatchObject({ at_ms: 20_000, style: { backgroundImage: 'url("/slides")' } })
    expect(thumbnailAt(recording, timeline, 59_999)).toMatchObject({ at_ms: 30_000, style: { backgroundPosition: '-160px -90px' } })
    expect(thumbnailAt(recording, null, 0)).toBeNull()
  })
})
