/**
 * Notices whose picture and sound have stopped coming while this place's own line is well: the fault is then over there, and nobody
 * here should go on talking to a picture that stands still.
 */
import type { RemoteFeed } from './remote-media'

/** A microphone that is closed still sends more than twice a second; an address that changes costs up to this. */
export const STOPPED_AFTER_MS = 2_500
/** The page itself stood still: nothing was looked at, so nothing is known. */
const STOOD_STILL_MS = 1_500

interface ReceivedStatistics {
  type: string
  trackIdentifier?: string
  packetsReceived?: number
}

interface Heard {
  packets: number
  atMs: number
}

/** Packets received so far on each track, by the track's id. */
export function packetsOf(report: Iterable<ReceivedStatistics>): Map<string, number> {
  const packets = new Map<string, number>()
  for (const { type, trackIdentifier, packetsReceived } of report) {
    if (type === 'inbound-rtp' && trackIdentifier !== undefined) packets.set(trackIdentifier, packetsReceived ?? 0)
  }
  return packets
}

export class FeedPulse {
  private readonly heard = new Map<string, Heard>()
  private lookedAtMs = 0

  /**
   * The parties that send nothing any more; asked a few times a second. Only those whose sound came before are judged (a picture alone
   * may be paused for this line), and nobody while this place's own line is away.
   */
  stopped(feeds: readonly RemoteFeed[], packets: Map<string, number>, lineIsWell: boolean, nowMs: number): Set<string> {
    const unknown = !lineIsWell || nowMs - this.lookedAtMs > STOOD_STILL_MS
    this.lookedAtMs = nowMs
    const present = new Map(feeds.filter((feed) => feed.group === 'camera' && feed.hasSound).map((feed) => [feed.party_id, sumOf(feed, packets)]))
    for (const known of this.heard.keys()) if (!present.has(known)) this.heard.delete(known)
    for (const [party, count] of present) {
      const before = this.heard.get(party)
      if (!before || count !== before.packets) this.heard.set(party, { packets: count, atMs: nowMs })
      else if (unknown) before.atMs = nowMs
    }
    return new Set([...this.heard].filter(([, { packets: count, atMs }]) => count > 0 && nowMs - atMs >= STOPPED_AFTER_MS).map(([party]) => party))
  }
}

function sumOf(feed: RemoteFeed, packets: Map<string, number>): number {
  return feed.stream.getTracks().reduce((sum, track) => sum + (packets.get(track.id) ?? 0), 0)
}
