import { describe, expect, it } from 'vitest'
import { arrange, inOrder, isPresent, isSeen, pickMain } from './layout'
import en from './messages.en'
import zh from './messages.zh-CN'
import type { RecordedStream } from './recording'
import { positionText, sizeText } from './times'

function stream(id: string, role: RecordedStream['role'], source: RecordedStream['source'], more: Partial<RecordedStream> = {}): RecordedStream {
  return {
    id, role, source, party_id: id, party_name: id, offset_ms: 0, duration_ms: 60_000, content_type: 'video/mp4', has_picture: source !== 'microphone',
    has_sound: true, width: 640, height: 360, bytes: 1, gaps: [], media_url: '', download_url: '', ...more,
  }
}
const STREAMS = [
  stream('teacher', 'teacher', 'microphone'),
  stream('room', 'room', 'camera'),
  stream('lead', 'lead', 'camera', { gaps: [[20_000, 25_000]] }),
  stream('slides', 'lead', 'screen', { offset_ms: 10_000, duration_ms: 5_000 }),
]

describe('replay layout', () => {
  it('orders lead before rooms, screens before cameras, sound alone last', () => {
    expect(inOrder(STREAMS).map((one) => one.id)).toEqual(['slides', 'lead', 'room', 'teacher'])
  })

  it('shows the screen while it is shared, else the lead, else who is there', () => {
    expect([1_000, 12_000, 16_000, 22_000].map((ms) => pickMain(STREAMS, null, ms))).toEqual(['lead', 'slides', 'lead', 'room'])
  })

  it('shows the first picture a moment before it begins, but none in a gap or after the end', () => {
    const late = stream('late', 'room', 'camera', { offset_ms: 1_500, duration_ms: 5_000, gaps: [[2_000, 3_000]] })
    expect([0, 1_600, 4_000, 7_000].map((ms) => isSeen(late, ms))).toEqual([true, true, false, false])
    expect(isSeen({ ...late, offset_ms: 30_000 }, 0)).toBe(false)
    expect(isSeen({ ...late, offset_ms: 0, gaps: [[0, 900]] }, 0)).toBe(true)
    expect(isSeen({ ...late, offset_ms: 0, gaps: [[0, 4_000]] }, 0)).toBe(false)
  })

  it('follows the choice, but not to a stream without picture', () => {
    expect(pickMain(STREAMS, 'room', 12_000)).toBe('room')
    expect(pickMain(STREAMS, 'teacher', 1_000)).toBe('lead')
    expect(pickMain([], null, 0)).toBeNull()
  })

  it('arranges what each layout shows', () => {
    const shown = (layout: Parameters<typeof arrange>[0], at_ms: number, chosen: string | null = null) => {
      const found = arrange(layout, STREAMS, chosen, at_ms)
      return [found.main, [...found.shown].sort()]
    }
    expect(shown('lead', 12_000)).toEqual(['slides', ['lead', 'room', 'slides']])
    expect(shown('screen', 12_000)).toEqual(['slides', ['lead', 'slides']])
    expect(shown('screen', 22_000)).toEqual(['slides', ['slides']])
    expect(shown('rooms', 12_000)).toEqual([null, ['room']])
    expect(shown('rooms', 12_000, 'room')).toEqual(['room', ['room']])
    expect(shown('grid', 12_000)).toEqual([null, ['lead', 'room', 'slides']])
    const alone = STREAMS.filter((one) => one.id === 'lead')
    for (const layout of ['screen', 'rooms'] as const) expect([...arrange(layout, alone, null, 0).shown]).toEqual(['lead'])
  })

  it('knows gaps and ends', () => {
    const lead = STREAMS[2] as RecordedStream
    expect([0, 19_999, 20_000, 25_000, 60_000].map((ms) => isPresent(lead, ms))).toEqual([true, true, false, true, false])
    const still = stream('still', 'lead', 'screen', { gaps: [[1_000, 30_000]] })
    expect(isPresent(still, 5_000)).toBe(true)
  })
})

describe('texts', () => {
  it('reads positions and sizes', () => {
    expect([0, 65_000, 3_665_000].map(positionText)).toEqual(['0:00', '1:05', '1:01:05'])
    expect([524_288, 12_345_678, 2_147_483_648].map(sizeText)).toEqual(['0.5 MB', '12 MB', '2.0 GB'])
  })

  it('are the same in both languages', () => {
    const keysOf = (value: object, prefix = ''): string[] =>
      Object.entries(value).flatMap(([key, inner]) => (typeof inner === 'object' ? keysOf(inner as object, `${prefix}${key}.`) : [prefix + key]))
    expect(keysOf(en)).toEqual(keysOf(zh))
  })
})
