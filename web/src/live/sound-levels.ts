/** Who is speaking: levels read from the receivers of the sound, and the sign that does not flicker. */
import type { RemoteFeed } from './remote-media'

/** Level 0..1 above which a person speaks: about -40 dBFS. */
export const SPEAKING_LEVEL = 0.01
/** The sign stays this long after the last loud moment. */
export const HOLD_MS = 900

/** Older readings than this say nothing of now. */
const FRESH_MS = 500

/** Newest level (0..1) the receiver knows of, 0 if none in the last half second. */
export function levelOf(receiver: RTCRtpReceiver | null, nowMs: number, wallNowMs: number): number {
  const source = receiver?.getSynchronizationSources?.()[0]
  if (!source) return 0
  // Browsers differ in whether the stamp counts from 1970 or from the page's start.
  const age_ms = Math.min(Math.abs(wallNowMs - source.timestamp), Math.abs(nowMs - source.timestamp))
  return age_ms <= FRESH_MS ? (source.audioLevel ?? 0) : 0
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

/** Feeds in, speaking parties out; called a few times a second. */
export function hearFeeds(signs: SpeakingSigns, feeds: RemoteFeed[], nowMs: number, wallNowMs: number): Set<string> {
  for (const feed of feeds) signs.hear(feed.party_id, levelOf(feed.soundReceiver, nowMs, wallNowMs), nowMs)
  return signs.speaking(nowMs)
}
