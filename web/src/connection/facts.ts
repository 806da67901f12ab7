/** What one connection test found, as it is shown, copied and sent. */
import type { DeviceState as LiveDeviceState } from '../live/local-media'

export type PathKind = 'direct' | 'turn_udp' | 'turn_tcp' | 'turn_tls'
export type DeviceState = 'on' | 'absent' | 'refused' | 'busy' | 'lost' | 'untried'

export interface SocketFact {
  works: boolean
  round_trip_ms: number | null
}

/** One way of media to the relay. */
export interface PathFact {
  kind: PathKind
  /** Address of the TURN server; null when it goes straight. */
  url: string | null
  works: boolean
  connect_ms: number | null
}

/** Measured over the best way, with the picture and sound a lead room sends. */
export interface MediaFact {
  path: PathKind
  up_kbps: number
  down_kbps: number
  up_loss_pct: number
  down_loss_pct: number
  round_trip_ms: number | null
  jitter_ms: number | null
  /** Lines of the picture that came back. */
  height: number
}

export interface Facts {
  socket: SocketFact
  paths: PathFact[]
  media: MediaFact | null
  camera: DeviceState
  microphone: DeviceState
  codecs: string[]
  browser: string
}

export const NOTHING_FOUND: Facts = {
  socket: { works: false, round_trip_ms: null },
  paths: [],
  media: null,
  camera: 'untried',
  microphone: 'untried',
  codecs: [],
  browser: '',
}

/** Which way media would take: the straight one is quickest, TLS goes through most firewalls. */
export const BEST_FIRST: readonly PathKind[] = ['direct', 'turn_udp', 'turn_tcp', 'turn_tls']

export function bestPath(paths: readonly PathFact[]): PathFact | null {
  for (const kind of BEST_FIRST) {
    const found = paths.find((path) => path.kind === kind && path.works)
    if (found) return found
  }
  return null
}

/** How media reaches a TURN server, by its address (RFC 7065): TLS, TCP or UDP. */
export function kindOfTurn(url: string): PathKind {
  if (url.startsWith('turns:')) return 'turn_tls'
  return url.endsWith('?transport=tcp') ? 'turn_tcp' : 'turn_udp'
}

export function deviceStateOf(state: LiveDeviceState): DeviceState {
  return state === 'starting' || state === 'off' ? 'untried' : state
}
