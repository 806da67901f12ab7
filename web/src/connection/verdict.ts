/** What a line will give its room, judged from what was measured over it. */
import { bestPath, type Facts } from './facts'

export type Outcome = 'full' | 'small' | 'sound' | 'none'

export interface Verdict {
  /** How the lead will be seen and heard here. */
  receives: Outcome
  /** How this room will be seen and heard elsewhere. */
  sends: Outcome
  /** What makes it worse than it could be, or needs somebody's hand; the worst first. */
  hints: Hint[]
}

export type Hint = 'noSocket' | 'noMedia' | 'udpShut' | 'tcpOnly' | 'loss' | 'delay' | 'noCamera' | 'noMicrophone' | 'noCodec'

/** Rates in kbit/s from which a picture is whole or small: the layers that live lessons send, and a little for sound. */
export const FULL_KBPS = 1_000
export const SMALL_KBPS = 250
export const SOUND_KBPS = 24
export const MUCH_LOSS_PCT = 5
export const LONG_DELAY_MS = 400

export function judge(facts: Facts): Verdict {
  const { media } = facts
  return {
    receives: media ? outcomeOf(media.down_kbps) : 'none',
    sends: media ? outcomeOf(media.up_kbps) : 'none',
    hints: hintsOf(facts),
  }
}

function outcomeOf(kbps: number): Outcome {
  if (kbps >= FULL_KBPS) return 'full'
  if (kbps >= SMALL_KBPS) return 'small'
  return kbps >= SOUND_KBPS ? 'sound' : 'none'
}

function hintsOf(facts: Facts): Hint[] {
  const { media, socket, paths, codecs } = facts
  const hints: Hint[] = []
  const best = bestPath(paths)
  if (!socket.works) hints.push('noSocket')
  else if (!best || !media) hints.push('noMedia')
  else if (best.kind === 'turn_tcp' || best.kind === 'turn_tls') hints.push('tcpOnly')
  else if (best.kind === 'turn_udp') hints.push('udpShut')
  if (media && Math.max(media.up_loss_pct, media.down_loss_pct) >= MUCH_LOSS_PCT) hints.push('loss')
  if ((media?.round_trip_ms ?? 0) >= LONG_DELAY_MS) hints.push('delay')
  if (facts.camera !== 'on' && facts.camera !== 'untried') hints.push('noCamera')
  if (facts.microphone !== 'on' && facts.microphone !== 'untried') hints.push('noMicrophone')
  if (!codecs.includes('opus') || !(codecs.includes('VP8') || codecs.includes('H264'))) hints.push('noCodec')
  return hints
}
