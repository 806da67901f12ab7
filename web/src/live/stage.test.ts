import { describe, expect, it } from 'vitest'
import type { RemoteFeed } from './remote-media'
import type { PartyRole, RosterParty } from './signalling'
import { arrange, tilesOf } from './stage'

function party(party_id: string, role: PartyRole, more: Partial<RosterParty> = {}): RosterParty {
  return { party_id, role, name: party_id, school: 's', connected: true, on_stage: false, hand_raised: false, muted: [], tracks: [], ...more }
}
function feed(party_id: string, group: 'camera' | 'screen', hasPicture = true): RemoteFeed {
  return { party_id, group, stream: {} as MediaStream, hasPicture, hasSound: true, soundReceiver: null }
}

const PARTIES = [party('lead', 'lead'), party('r1', 'room'), party('r2', 'room'), party('o', 'observer')]
const FEEDS = [feed('lead', 'camera'), feed('r1', 'camera'), feed('r2', 'camera', false)]

describe('tilesOf', () => {
  it('shows every other party once, observers never, a screen beside its party', () => {
    const tiles = tilesOf(PARTIES, [...FEEDS, feed('lead', 'screen')], 'r2')
    expect(tiles.map((tile) => tile.key)).toEqual(['lead|screen', 'lead|camera', 'r1|camera'])
  })

  it('knows how each picture is received', () => {
    const tracks = [{ track_id: 't1', source: 'camera' as const, kind: 'video' as const }]
    const tiles = tilesOf([party('r1', 'room', { tracks })], FEEDS, 'x', { t1: 'paused' })
    expect(tiles[0]).toMatchObject({ trackId: 't1', received: 'paused' })
    expect(tilesOf(PARTIES, FEEDS, 'x')[0]).toMatchObject({ trackId: null, received: 'full' })
  })

  it('reads mutes of the right source', () => {
    const tiles = tilesOf([party('r1', 'room', { muted: ['microphone'] })], FEEDS, 'x')
    expect(tiles[0]).toMatchObject({ soundMuted: true, pictureMuted: false })
  })
})

describe('arrange', () => {
  it('makes the lead large for a room, and its screen larger still', () => {
    expect(arrange(tilesOf(PARTIES, FEEDS, 'r1'), 'room', null).main?.key).toBe('lead|camera')
    const shared = [...FEEDS, feed('lead', 'screen')]
    expect(arrange(tilesOf(PARTIES, shared, 'r1'), 'room', null).main?.key).toBe('lead|screen')
  })

  it('prefers the lead that has a picture', () => {
    const parties = [party('a-lead', 'lead'), party('b-lead', 'lead')]
    expect(arrange(tilesOf(parties, [feed('b-lead', 'camera')], 'r1'), 'room', null).main?.party_id).toBe('b-lead')
  })

  it('shows the lead all rooms alike, pictures first', () => {
    const stage = arrange(tilesOf(PARTIES, FEEDS, 'lead'), 'lead', null)
    expect(stage.main).toBeNull()
    expect(stage.others.map((tile) => tile.party_id)).toEqual(['r1', 'r2'])
  })

  it('follows a pin while its party is there', () => {
    const tiles = tilesOf(PARTIES, FEEDS, 'lead')
    expect(arrange(tiles, 'lead', 'r2|camera').main?.party_id).toBe('r2')
    expect(arrange(tiles, 'lead', 'gone|camera').main).toBeNull()
  })
})
