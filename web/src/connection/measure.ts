/** Rates, loss and delay between two looks at the statistics of a sending and a receiving peer connection. */
import type { MediaFact } from './facts'

export interface Sent {
  at_ms: number
  bytes: number
  packets: number
  /** Lost on the way to the relay, as the relay reports it. */
  lost: number
  roundTrip_ms: number | null
}

export interface Received {
  at_ms: number
  bytes: number
  packets: number
  lost: number
  jitter_ms: number | null
  height: number
}

type Report = Record<string, number | string | undefined>

function reportsOf(stats: Iterable<unknown>): Report[] {
  return [...stats] as Report[]
}

function sum(reports: Report[], ...names: string[]): number {
  return reports.reduce((total, report) => total + names.reduce((one, name) => one + Number(report[name] ?? 0), 0), 0)
}

export function readSent(stats: Iterable<unknown>, at_ms: number): Sent {
  const reports = reportsOf(stats)
  const out = reports.filter((report) => report.type === 'outbound-rtp')
  const remote = reports.filter((report) => report.type === 'remote-inbound-rtp')
  const pair = reports.find((report) => report.type === 'candidate-pair' && report.state === 'succeeded' && report.nominated)
  const roundTrip_s = pair?.currentRoundTripTime ?? remote.find((report) => report.roundTripTime !== undefined)?.roundTripTime
  return {
    at_ms,
    bytes: sum(out, 'bytesSent', 'headerBytesSent'),
    packets: sum(out, 'packetsSent'),
    lost: sum(remote, 'packetsLost'),
    roundTrip_ms: roundTrip_s === undefined ? null : 1000 * Number(roundTrip_s),
  }
}

export function readReceived(stats: Iterable<unknown>, at_ms: number): Received {
  const incoming = reportsOf(stats).filter((report) => report.type === 'inbound-rtp')
  const sound = incoming.find((report) => report.kind === 'audio')
  return {
    at_ms,
    bytes: sum(incoming, 'bytesReceived', 'headerBytesReceived'),
    packets: sum(incoming, 'packetsReceived'),
    lost: sum(incoming, 'packetsLost'),
    jitter_ms: sound?.jitter === undefined ? null : 1000 * Number(sound.jitter),
    height: Math.max(0, ...incoming.map((report) => Number(report.frameHeight ?? 0))),
  }
}

function rate_kbps(before: { at_ms: number; bytes: number }, after: { at_ms: number; bytes: number }): number {
  const span_ms = after.at_ms - before.at_ms
  return span_ms > 0 ? Math.round((8 * (after.bytes - before.bytes)) / span_ms) : 0
}

function share_pct(part: number, whole: number): number {
  return whole > 0 ? Math.min(100, Math.max(0, Math.round((1000 * part) / whole) / 10)) : 0
}

/** What was carried between the looks. `line_kbps` is what the relay found out about the line downwards, if it did. */
export function measured(
  path: MediaFact['path'],
  sent: [Sent, Sent],
  received: [Received, Received],
  line_kbps: number | null,
): MediaFact {
  const up_loss_pct = share_pct(sent[1].lost - sent[0].lost, sent[1].packets - sent[0].packets)
  const lost = received[1].lost - received[0].lost
  const came = received[1].packets - received[0].packets
  return {
    path,
    up_kbps: Math.round(rate_kbps(...sent) * (1 - up_loss_pct / 100)),
    down_kbps: Math.max(rate_kbps(...received), Math.round(line_kbps ?? 0)),
    up_loss_pct,
    down_loss_pct: share_pct(lost, came + Math.max(0, lost)),
    round_trip_ms: sent[1].roundTrip_ms === null ? null : Math.round(sent[1].roundTrip_ms),
    jitter_ms: received[1].jitter_ms === null ? null : Math.round(received[1].jitter_ms),
    height: received[1].height,
  }
}
