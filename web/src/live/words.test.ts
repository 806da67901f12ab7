import { describe, expect, it } from 'vitest'
import { initialState, type LineView } from './live-state'
import { lineKey, stateKey } from './words'

function line(reason: LineView['reason'], ...states: LineView['pictures'][string][]): LineView {
  return { reason, kbps: 400, pictures: Object.fromEntries(states.map((state, index) => [`t${index}`, state])) }
}

describe('the words for the line', () => {
  it('says nothing while all pictures are whole', () => {
    expect(lineKey(line('none', 'full', 'full'), false)).toBe('')
    expect(lineKey(line('line', 'full'), false)).toBe('')
  })

  it('tells smaller pictures from fewer and from sound alone', () => {
    expect(lineKey(line('line', 'small', 'full'), false)).toBe('live.line.own.smaller')
    expect(lineKey(line('line', 'small', 'paused'), false)).toBe('live.line.own.fewer')
    expect(lineKey(line('line', 'paused', 'paused'), true)).toBe('live.line.own.soundOnly')
  })

  it("tells the school's shared line from this place's own, and sending from receiving", () => {
    expect(lineKey(line('ceiling', 'slow'), false)).toBe('live.line.school.smaller')
    expect(lineKey(line('sender', 'small', 'full'), false)).toBe('live.line.sender')
    expect(lineKey(line('none'), true)).toBe('live.line.uplink')
  })
})

describe('the words for the connection', () => {
  it('call it an interruption only where picture and sound flowed before', () => {
    const state = { ...initialState(), phase: 'live' as const, feeds: [{} as never] }
    expect(stateKey(state)).toBe('live.phase.media')
    expect(stateKey({ ...state, mediaConnected: true, mediaFlowed: true })).toBe('live.phase.live')
    expect(stateKey({ ...state, mediaFlowed: true })).toBe('live.phase.reconnecting')
    expect(stateKey({ ...state, phase: 'ended', mediaFlowed: true })).toBe('live.phase.ended')
  })
})
