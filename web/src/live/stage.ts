/** Who is seen where: turns the roster and the received feeds into one large tile (or none) and a row of others. */
import type { Group, RemoteFeed } from './remote-media'
import type { PartyRole, PictureState, RosterParty } from './signalling'

export interface Tile {
  key: string
  party_id: string
  group: Group
  name: string
  school: string
  role: PartyRole
  stream: MediaStream | null
  hasPicture: boolean
  hasSound: boolean
  pictureMuted: boolean
  soundMuted: boolean
  handRaised: boolean
  onStage: boolean
  connected: boolean
  /** The track of its picture, if it has one. */
  trackId: string | null
  /** How its picture is received. */
  received: PictureState
}

export interface Stage {
  main: Tile | null
  others: Tile[]
}

type Pictures = Record<string, PictureState>

function tileOf(party: RosterParty, group: Group, feed: RemoteFeed | undefined, pictures: Pictures): Tile {
  const trackId = party.tracks.find((track) => track.source === group)?.track_id ?? null
  return {
    key: `${party.party_id}|${group}`,
    party_id: party.party_id,
    group,
    name: party.name,
    school: party.school,
    role: party.role,
    stream: feed?.stream ?? null,
    hasPicture: feed?.hasPicture ?? false,
    hasSound: feed?.hasSound ?? false,
    pictureMuted: party.muted.includes(group),
    soundMuted: party.muted.includes(group === 'camera' ? 'microphone' : 'screen_audio'),
    handRaised: group === 'camera' && party.hand_raised,
    onStage: party.on_stage,
    connected: party.connected,
    trackId,
    received: (trackId && pictures[trackId]) || 'full',
  }
}

/** One tile for each other party, and one more for each shared screen. */
export function tilesOf(parties: RosterParty[], feeds: RemoteFeed[], ownPartyId: string, pictures: Pictures = {}): Tile[] {
  const tiles: Tile[] = []
  for (const party of parties) {
    if (party.party_id === ownPartyId || party.role === 'observer') continue
    const own = feeds.filter((feed) => feed.party_id === party.party_id)
    const screen = own.find((feed) => feed.group === 'screen')
    if (screen) tiles.push(tileOf(party, 'screen', screen, pictures))
    tiles.push(tileOf(party, 'camera', own.find((feed) => feed.group === 'camera'), pictures))
  }
  return tiles
}

const ROLE_ORDER: Record<PartyRole, number> = { lead: 0, room: 1, teacher: 2, observer: 3 }

function rank(tile: Tile): number {
  return ROLE_ORDER[tile.role] * 4 + (tile.hasPicture ? 0 : 2) + (tile.connected ? 0 : 1)
}

/**
 * Large is what the person pinned, else a shared screen, else the lead's picture;
 * the lead sees all others at the same size unless one is pinned.
 */
export function arrange(tiles: Tile[], ownRole: PartyRole | null, pinned: string | null): Stage {
  const main = pickMain(tiles, ownRole, pinned)
  const others = tiles.filter((tile) => tile !== main)
  others.sort((a, b) => rank(a) - rank(b) || a.key.localeCompare(b.key))
  return { main, others }
}

function pickMain(tiles: Tile[], ownRole: PartyRole | null, pinned: string | null): Tile | null {
  const byPin = pinned === null ? undefined : tiles.find((tile) => tile.key === pinned)
  const screen = tiles.find((tile) => tile.group === 'screen')
  if (byPin ?? screen) return byPin ?? screen ?? null
  if (ownRole === 'lead') return null
  return tiles.filter((tile) => tile.role === 'lead').sort((a, b) => rank(a) - rank(b))[0] ?? null
}
