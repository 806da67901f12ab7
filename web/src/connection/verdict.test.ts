import { describe, expect, it } from 'vitest'
import { bestPath, kindOfTurn, NOTHING_FOUND, type Facts, type MediaFact, type PathFact } from './facts'
import { measured, readReceived, readSent } from './measure'
import { waysOf } from './run-test'
import { judge } from './verdict'

const MEDIA: MediaFact = { path: 'direct', up_kbps: 1800, down_kbps: 1800, up_loss_pct: 0, down_loss_pct: 0, round_trip_ms: 30, jitter_ms: 4, height: 720 }

function path(kind: PathFact['kind'], works: boolean): PathFact {
  return { kind, url: kind === 'direct' ? null : `${kind}.example`, works, connect_ms: works ? 80 : null }
}

function facts(change: Partial<Facts> = {}): Facts {
  return {
    ...NOTHING_FOUND,
    socket: { works: true, round_trip_ms: 20 },
    paths: [path('direct', true), path('turn_tls', true)],
    media: MEDIA,
    camera: 'on',
    microphone: 'on',
    codecs: ['opus', 'VP8', 'H264'],
    ...change,
  }
}

describe('the verdict', () => {
  it('finds nothing wrong with a good line', () => {
    expect(judge(facts())).toEqual({ receives: 'full', sends: 'full', hints: [] })
  })

  it.each([
    [1_000, 'full'],
    [999, 'small'],
    [250, 'small'],
    [249, 'sound'],
    [24, 'sound'],
    [23, 'none'],
  ])('calls %i kbit/s %s', (kbps, outcome) => {
    expect(judge(facts({ media: { ...MEDIA, down_kbps: kbps } }))).toMatchObject({ receives: outcome, sends: 'full' })
    expect(judge(facts({ media: { ...MEDIA, up_kbps: kbps } }))).toMatchObject({ receives: 'full', sends: outcome })
  })

  it('says that only 443 is open where nothing but TLS works', () => {
    const paths = [path('direct', false), path('turn_udp', false), path('turn_tls', true)]
    expect(judge(facts({ paths })).hints).toEqual(['tcpOnly'])
    expect(bestPath(paths)?.kind).toBe('turn_tls')
  })

  it('says that no way for media is open', () => {
    expect(judge(facts({ paths: [path('direct', false)], media: null }))).toEqual({ receives: 'none', sends: 'none', hints: ['noMedia'] })
  })

  it('blames the proxy where the socket is shut', () => {
    expect(judge({ ...NOTHING_FOUND, codecs: ['opus', 'VP8'] })).toEqual({ receives: 'none', sends: 'none', hints: ['noSocket'] })
  })

  it('names loss, delay and devices', () => {
    const media = { ...MEDIA, up_loss_pct: 7, round_trip_ms: 450 }
    expect(judge(facts({ media, camera: 'refused', microphone: 'absent', codecs: ['opus'] })).hints).toEqual([
      'loss', 'delay', 'noCamera', 'noMicrophone', 'noCodec',
    ])
  })
})

describe('the ways', () => {
  it('are the straight one and each TURN address alone, the quickest first', () => {
    const urls = ['turns:t:443?transport=tcp', 'turn:t:3478?transport=tcp', 'turn:t:3478']
    const ways = waysOf([{ urls, username: 'u', credential: 'c' }])
    expect(ways.map((way) => way.kind)).toEqual(['direct', 'turn_udp', 'turn_tcp', 'turn_tls'])
    expect(ways[3]?.configuration).toEqual({
      iceServers: [{ urls: ['turns:t:443?transport=tcp'], username: 'u', credential: 'c' }],
      iceTransportPolicy: 'relay',
    })
    expect(kindOfTurn('turn:t')).toBe('turn_udp')
  })
})

describe('the measurement', () => {
  const out = (bytes: number, packets: number) => ({ type: 'outbound-rtp', bytesSent: bytes, headerBytesSent: 0, packetsSent: packets })
  const incoming = (bytes: number, packets: number, lost: number) => ({
    type: 'inbound-rtp', kind: 'audio', bytesReceived: bytes, packetsReceived: packets, packetsLost: lost, jitter: 0.012, frameHeight: 360,
  })
  const pair = { type: 'candidate-pair', state: 'succeeded', nominated: true, currentRoundTripTime: 0.045 }

  it('counts what got through in the time between two looks', () => {
    const sent: Parameters<typeof measured>[1] = [
      readSent([out(1_000, 10), { type: 'remote-inbound-rtp', packetsLost: 2 }, pair], 1_000),
      readSent([out(501_000, 510), { type: 'remote-inbound-rtp', packetsLost: 52 }, pair], 5_000),
    ]
    const received: Parameters<typeof measured>[2] = [readReceived([incoming(0, 0, 0)], 1_000), readReceived([incoming(250_000, 300, 100)], 5_000)]
    expect(measured('direct', sent, received, null)).toEqual({
      path: 'direct', up_kbps: 900, down_kbps: 500, up_loss_pct: 10, down_loss_pct: 25, round_trip_ms: 45, jitter_ms: 12, height: 360,
    })
    expect(measured('direct', sent, received, 800).down_kbps).toBe(800)
  })

  it('says nothing arrived when nothing did', () => {
    const nothing = readReceived([], 0)
    expect(measured('turn_tls', [readSent([], 0), readSent([], 0)], [nothing, { ...nothing, at_ms: 5_000 }], null)).toMatchObject({
      up_kbps: 0, down_kbps: 0, up_loss_pct: 0, down_loss_pct: 0, round_trip_ms: null, jitter_ms: null,
    })
  })
})
