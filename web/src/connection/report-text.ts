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
    `${t('connection.way.socket')}: ${socket.works ? t('connection.open', { ms: socket.round_trip_ms ?? 0 }) : t('connection.shut')}`,
    ...facts.paths.map(
      (path) =>
        `${t(`connection.way.${path.kind}`)}${path.url ? ` (${path.url})` : ''}: ${path.works ? t('connection.open', { ms: path.connect_ms ?? 0 }) : t('connection.shut')}`,
    ),
    ...(media ? [t('connection.figures', figuresOf(media))] : []),
    `${t('connection.devices')}: ${t('connection.camera')} ${t(`connection.device.${facts.camera}`)}, ${t('connection.microphone')} ${t(`connection.device.${facts.microphone}`)}`,
    `${t('connection.codecs')}: ${facts.codecs.join(', ') || '-'}`,
    facts.browser,
    '',
    t('connection.report.wish'),
    ...(relayAddress ? [`UDP ${relayAddress}`] : []),
    ...facts.paths.flatMap((path) => (path.url ? [path.url] : [])),
  ]
  return lines.join('\n')
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
