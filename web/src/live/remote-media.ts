/**
 * What is received, by party: the camera with its microphone in one MediaStream, the screen with its sound in another.
 * The streams outlive a reconnect, so that a picture returns into the same element instead of flashing away.
 */
import type { LiveBrowser } from './browser'
import type { OfferedTrack, RosterParty, Source } from './signalling'

export type Group = 'camera' | 'screen'

export interface RemoteFeed {
  party_id: string
  group: Group
  stream: MediaStream
  hasPicture: boolean
  hasSound: boolean
  /** The receiver of the sound, asked for its level. */
  soundReceiver: RTCRtpReceiver | null
}

export interface ReceivedTrack extends OfferedTrack {
  receiver: RTCRtpReceiver
}

export function groupOf(source: Source): Group {
  return source === 'screen' || source === 'screen_audio' ? 'screen' : 'camera'
}

export class RemoteMedia {
  private feedsByKey = new Map<string, RemoteFeed>()
  /** The feeds are those of a lost connection: shown until the new one says what there is. */
  private stale = false

  constructor(private readonly browser: Pick<LiveBrowser, 'createStream'>) {}

  get feeds(): RemoteFeed[] {
    return [...this.feedsByKey.values()]
  }

  /** Makes the feeds exactly what the relay offers now. */
  update(tracks: ReceivedTrack[]): void {
    const before = this.feedsByKey
    this.stale = false
    this.feedsByKey = new Map()
    for (const track of tracks) {
      const group = groupOf(track.source)
      const key = `${track.party_id}|${group}`
      const feed = this.feedsByKey.get(key) ?? this.freshFeed(track.party_id, group, before.get(key))
      this.feedsByKey.set(key, feed)
      if (track.kind === 'video') feed.hasPicture = true
      else {
        feed.hasSound = true
        feed.soundReceiver = track.receiver
      }
    }
    for (const [key, feed] of this.feedsByKey) setTracks(feed.stream, tracksOfKey(tracks, key))
  }

  /** The connection was lost. */
  outdate(): void {
    this.stale = true
  }

  /** After a loss: drops what nobody publishes any more. A relay with nothing to give makes no offer that would say so. */
  settle(parties: RosterParty[]): void {
    if (!this.stale) return
    for (const [key, feed] of this.feedsByKey) {
      const party = parties.find((one) => one.party_id === feed.party_id)
      if (!party?.tracks.some((track) => groupOf(track.source) === feed.group)) this.feedsByKey.delete(key)
    }
  }

  clear(): void {
    this.feedsByKey.clear()
  }

  private freshFeed(partyId: string, group: Group, before: RemoteFeed | undefined): RemoteFeed {
    const stream = before?.stream ?? this.browser.createStream()
    return { party_id: partyId, group, stream, hasPicture: false, hasSound: false, soundReceiver: null }
  }
}

function tracksOfKey(tracks: ReceivedTrack[], key: string): MediaStreamTrack[] {
  return tracks.filter((track) => `${track.party_id}|${groupOf(track.source)}` === key).map((t) => t.receiver.track)
}

function setTracks(stream: MediaStream, wanted: MediaStreamTrack[]): void {
  for (const track of stream.getTracks()) if (!wanted.includes(track)) stream.removeTrack(track)
  for (const track of wanted) if (!stream.getTracks().includes(track)) stream.addTrack(track)
}
