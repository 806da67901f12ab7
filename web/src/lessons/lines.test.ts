import { describe, expect, it } from 'vitest'
import { absencesOf, bandsOf, minutesAndSeconds, spanOf, worthMakingUp, type PartyLine } from './lines'

function at(second: number): string {
  return new Date(1_780_000_000_000 + 1000 * second).toISOString()
}
function point(second: number, picture: PartyLine['points'][number]['picture'], screen: PartyLine['points'][number]['screen'] = 'none') {
  return { at: at(second), picture, screen, reason: 'line' as const, kbps: 300, loss_pct: 1, queue_ms: 20, rtt_ms: 40 }
}
const LINE: PartyLine = {
  party_id: 'room:1',
  name: 'r',
  school: 's',
  points: [point(0, 'full'), point(50, 'small'), point(75, 'small', 'paused')],
  missed: [{ from_at: at(75), to_at: at(100), sound_ms: 0, picture_ms: 25_000, replay_s: null }],
  missed_sound_ms: 0,
  missed_picture_ms: 25_000,
}

describe('the timeline of the lines', () => {
  it('draws a band from each change to the next, the last to the end', () => {
    const bands = bandsOf(LINE, spanOf([LINE]))
    expect(bands.map(({ kind, left, width }) => [kind, left, width])).toEqual([['full', 0, 50], ['lowered', 50, 25], ['paused', 75, 25]])
  })

  it('shows when the room was away', () => {
    const [spell] = LINE.missed
    if (!spell) throw new Error('no spell')
    const away = { ...LINE, missed: [{ ...spell, from_at: at(25), to_at: at(50), away: true }, ...LINE.missed] }
    expect(absencesOf(away, spanOf([LINE]))).toEqual([{ from_at: at(25), left: 25, width: 25 }])
  })

  it('offers to make up only for what somebody noticed', () => {
    const [spell] = LINE.missed
    if (!spell) throw new Error('no spell')
    const blink = { ...spell, picture_ms: 40 }
    expect(worthMakingUp({ ...LINE, missed: [blink, spell, { ...blink, away: true }] })).toEqual([spell, { ...blink, away: true }])
  })

  it('spans a minute at least, so that a lesson just begun has a width', () => {
    const span = spanOf([{ ...LINE, points: [point(0, 'full')], missed: [] }])
    expect(span.to_ms - span.from_ms).toBe(60_000)
  })

  it('says missed time in minutes and seconds', () => {
    expect([minutesAndSeconds(7_400), minutesAndSeconds(61_000)]).toEqual([{ minutes: 0, seconds: 7 }, { minutes: 1, seconds: 1 }])
  })
})
