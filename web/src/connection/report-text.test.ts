import { describe, expect, it } from 'vitest'
import type { Facts } from './facts'
import { reportText } from './report-text'

const RELAY = '192.0.2.1:40000'
const TURN = 'turns:turn.county.test:443?transport=tcp'

function report(direct: boolean, relayed?: boolean): string[] {
  const facts: Facts = {
    socket: { works: true, round_trip_ms: 12 },
    paths: [
      { kind: 'direct', url: null, works: direct, connect_ms: direct ? 1395 : null },
      ...(relayed === undefined ? [] : [{ kind: 'turn_tls' as const, url: TURN, works: relayed, connect_ms: relayed ? 210 : null }]),
    ],
    media: null,
    camera: 'on',
    microphone: 'on',
    codecs: ['opus'],
    browser: 'a browser',
  }
  const verdict = { receives: 'full' as const, sends: 'full' as const, hints: [] }
  const written = (key: string, values?: Record<string, unknown>) => `${key}${values ? ` ${Object.values(values).join(' ')}` : ''}`
  return reportText({ facts, verdict, who: 'room', at: 'now', address: 'https://x', relayAddress: RELAY }, written).split('\n')
}

function asked(lines: string[]): string[] {
  return lines.slice(lines.findIndex((line) => line.startsWith('connection.report.') && !line.includes('title')))
}

describe('the report for the network administrator', () => {
  it('asks for what is shut and for nothing else', () => {
    expect(asked(report(false, true))).toEqual(['connection.report.wish', `UDP ${RELAY}`])
    expect(asked(report(true, false))).toEqual(['connection.report.wish', TURN])
  })

  it('names what must stay open where nothing is shut', () => {
    expect(asked(report(true, true))).toEqual(['connection.report.stays', `UDP ${RELAY}`, TURN])
  })

  it('tells how long connecting took in seconds, which nobody takes for the delay of the line', () => {
    expect(report(true)).toContain('connection.way.direct: connection.open 1.4')
    expect(report(true)).toContain('connection.way.socket: connection.answers 12')
  })
})
