/** Who is speaking: levels read from the statistics of the receiving connection, and the sign that does not flicker. */
import type { RemoteFeed } from './remote-media'

/** Level 0..1 above which a person speaks: about -40 dBFS. */
export const SPEAKING_LEVEL = 0.01
/** The sign stays this long after the last loud moment. */
export const HOLD_MS = 1_200

interface SoundStatistics {
  type: string
  kind?: string
  trackIdentifier?: string
  audioLevel?: number
}

/** Level (0..1) of each received sound track, by the track's id. Statistics are used because they hold the level of the decoded
 * sound, which the level in the packets (RFC 6464) only does where the sender writes it. */
export function levelsOf(report: Iterable<SoundStatistics>): Map<string, number> {
  const levels = new Map<string, number>()
  for (const entry of report) {
    if (entry.type !== 'inbound-rtp' || entry.kind !== 'audio' || entry.trackIdentifier === undefined) continue
    levels.set(entry.trackIdentifier, entry.audioLevel ?? 0)
  }
  return levels
}

/** Remembers for each party when it was last loud. */
export class SpeakingSigns {
  private readonly loudAtMs = new Map<string, number>()

  hear(partyId: string, level: number, nowMs: number): void {
    if (level >= SPEAKING_LEVEL) this.loudAtMs.set(partyId, nowMs)
  }

  speaking(nowMs: number): Set<string> {
    return new Set([...this.loudAtMs].filter(([, at]) => nowMs - at < HOLD_MS).map(([partyId]) => partyId))
  }
}

/** Feeds and their levels in, speaking parties out; called a few times a second. */
export function hearFeeds(signs: SpeakingSigns, feeds: RemoteFeed[], levels: Map<string, number>, nowMs: number): Set<string> {
  for (const feed of feeds) {
    const level = feed.soundReceiver ? (levels.get(feed.soundReceiver.track.id) ?? 0) : 0
    signs.hear(feed.party_id, level, nowMs)
  }
  return signs.speaking(nowMs)
}
