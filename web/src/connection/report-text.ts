/** The report as plain text, for whoever looks after the school's network. */
import type { Facts } from './facts'
import type { Verdict } from './verdict'

export interface ReportParts {
  facts: Facts
  verdict: Verdict
  who: string
  at: string
  address: string
  relayAddress: string | null
}

type Translate = (key: string, values?: Record<string, unknown>) => string

export function reportText({ facts, verdict, who, at, address, relayAddress }: ReportParts, t: Translate): string {
  const { media, socket } = facts
  const lines = [
    t('connection.report.title', { who, at }),
    address,
    '',
    t(`connection.receives.${verdict.receives}`),
    t(`connection.sends.${verdict.sends}`),
    ...verdict.hints.map((hint) => `! ${t(`connection.hint.${hint}`)}`),
    '',
    `${t('connection.way.socket')}: ${socketWords(socket, t)}`,
    ...facts.paths.map((path) => `${t(`connection.way.${path.kind}`)}${path.url ? ` (${path.url})` : ''}: ${pathWords(path, t)}`),
    ...(media ? [t('connection.figures', figuresOf(media))] : []),
    `${t('connection.devices')}: ${t('connection.camera')} ${t(`connection.device.${facts.camera}`)}, ${t('connection.microphone')} ${t(`connection.device.${facts.microphone}`)}`,
    `${t('connection.codecs')}: ${facts.codecs.join(', ') || '-'}`,
    facts.browser,
    '',
    ...wishes(facts, relayAddress, t),
  ]
  return lines.join('\n')
}

/** Whether the platform's channel answers, and how soon. */
export function socketWords(socket: Facts['socket'], t: Translate): string {
  return socket.works ? t('connection.answers', { ms: socket.round_trip_ms ?? 0 }) : t('connection.shut')
}

/** Whether a way for picture and sound is open; how long making the connection took says nothing of the line's delay. */
export function pathWords(path: Facts['paths'][number], t: Translate): string {
  return path.works ? t('connection.open', { seconds: ((path.connect_ms ?? 0) / 1000).toFixed(1) }) : t('connection.shut')
}

/** What the firewall shuts; where it shuts nothing, what must stay open. */
function wishes(facts: Facts, relayAddress: string | null, t: Translate): string[] {
  const shut = facts.paths.filter((path) => !path.works)
  const meant = shut.length > 0 ? shut : facts.paths
  const addresses = meant.flatMap((path) => path.url ?? (path.kind === 'direct' && relayAddress ? `UDP ${relayAddress}` : []))
  return addresses.length > 0 ? [t(`connection.report.${shut.length > 0 ? 'wish' : 'stays'}`), ...addresses] : []
}

export function figuresOf(media: NonNullable<Facts['media']>): Record<string, string | number> {
  const mbit = (kbps: number) => (kbps / 1000).toFixed(kbps < 1000 ? 2 : 1)
  return {
    down: mbit(media.down_kbps),
    up: mbit(media.up_kbps),
    downLoss: media.down_loss_pct,
    upLoss: media.up_loss_pct,
    delay: media.round_trip_ms ?? '-',
  }
}
