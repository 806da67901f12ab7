/** The whole test in order: the socket, every way of media at the same time, then the best of them measured. */
import { cameraConstraints, microphoneConstraints, ROOM_PROFILE } from '../live/encoding'
import { stateOfFailure } from '../live/local-media'
import { BEST_FIRST, bestPath, deviceStateOf, kindOfTurn, NOTHING_FOUND, type DeviceState, type Facts, type MediaFact, type PathFact } from './facts'
import { measured, readReceived, readSent } from './measure'
import { ReceivingCall, SendingCall } from './test-call'
import { TestPicture } from './test-picture'
import { SocketLost, TestSocket } from './test-socket'

export const WARM_UP_MS = 4_000
export const MEASURE_MS = 5_000
/** A deployment may have many TURN servers; a page tries the first few. */
export const MOST_TURN_URLS = 4
const SENDER = 6
const RECEIVER = 7

export type Step = 'devices' | 'socket' | 'paths' | 'media' | 'done'

export interface Outcome {
  facts: Facts
  /** Why there is no test at all: the service's refusal. */
  refusal: string
  /** The relay's address and port for media, to be let through; null if it was not learned. */
  relayAddress: string | null
}

/** Runs the test; never rejects. `tell` hears what is found as it is found. */
export async function runTest(address: string, tell: (step: Step, facts: Facts) => void): Promise<Outcome> {
  const facts: Facts = { ...NOTHING_FOUND, codecs: knownCodecs(), browser: navigator.userAgent.slice(0, 300) }
  const outcome: Outcome = { facts, refusal: '', relayAddress: null }
  tell('devices', facts)
  facts.camera = await tryDevice({ video: cameraConstraints(ROOM_PROFILE) })
  facts.microphone = await tryDevice({ audio: microphoneConstraints() })
  tell('socket', facts)
  let picture: TestPicture | null = null
  let socket: TestSocket | null = null
  try {
    socket = await TestSocket.open(address)
    await socket.ping() // the first may wait for what was just begun
    facts.socket = { works: true, round_trip_ms: Math.round(await socket.ping()) }
    tell('paths', facts)
    picture = new TestPicture()
    facts.paths = await tryPaths(socket, picture, outcome)
    tell('media', facts)
    const best = bestPath(facts.paths)
    if (best) facts.media = await measure(socket, picture, best)
  } catch (error) {
    outcome.refusal = error instanceof SocketLost ? error.code : ''
  } finally {
    picture?.close()
    socket?.close()
    tell('done', facts)
  }
  return outcome
}

async function tryDevice(constraints: MediaStreamConstraints): Promise<DeviceState> {
  const devices = navigator.mediaDevices as MediaDevices | undefined
  if (!devices) return 'absent'
  try {
    for (const track of (await devices.getUserMedia(constraints)).getTracks()) track.stop()
    return 'on'
  } catch (error) {
    return deviceStateOf(stateOfFailure(error))
  }
}

function knownCodecs(): string[] {
  if (typeof RTCRtpReceiver === 'undefined') return [] // a browser without WebRTC
  const types = (['audio', 'video'] as const).flatMap((kind) => RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [])
  const names = new Set(types.map((codec) => codec.mimeType.split('/')[1] ?? ''))
  return ['opus', 'VP8', 'H264', 'VP9', 'AV1'].filter((name) => names.has(name))
}

async function tryPaths(socket: TestSocket, picture: TestPicture, outcome: Outcome): Promise<PathFact[]> {
  const ways = waysOf(socket.iceServers)
  const tried = ways.map(async ({ kind, url, configuration }, party): Promise<PathFact> => {
    const call = new SendingCall(socket, party, configuration, picture.soundOnly)
    try {
      const connect_ms = await call.connected()
      outcome.relayAddress ??= call.relayAddress
      return { kind, url, works: connect_ms !== null, connect_ms: connect_ms === null ? null : Math.round(connect_ms) }
    } finally {
      call.close()
    }
  })
  return Promise.all(tried)
}

interface Way {
  kind: PathFact['kind']
  url: string | null
  configuration: RTCConfiguration
}

/** Straight to the relay, and through each TURN address alone. */
export function waysOf(iceServers: readonly RTCIceServer[]): Way[] {
  const ways: Way[] = [{ kind: 'direct', url: null, configuration: { iceServers: [] } }]
  for (const server of iceServers) {
    for (const url of [server.urls].flat()) {
      const configuration: RTCConfiguration = { iceServers: [{ ...server, urls: [url] }], iceTransportPolicy: 'relay' }
      ways.push({ kind: kindOfTurn(url), url, configuration })
    }
  }
  const order = (way: Way) => BEST_FIRST.indexOf(way.kind)
  return ways.slice(0, 1 + MOST_TURN_URLS).sort((one, other) => order(one) - order(other))
}

async function measure(socket: TestSocket, picture: TestPicture, best: PathFact): Promise<MediaFact | null> {
  const way = waysOf(socket.iceServers).find(({ kind, url }) => kind === best.kind && url === best.url)
  if (!way) return null
  const sending = new SendingCall(socket, SENDER, way.configuration, picture.tracks)
  const receiving = new ReceivingCall(socket, RECEIVER, way.configuration)
  try {
    if ((await sending.connected()) === null || (await receiving.connected()) === null) return null
    const look = async () => {
      const [sent, received] = await Promise.all([sending.connection.getStats(), receiving.connection.getStats()])
      return { sent: readSent(sent.values(), performance.now()), received: readReceived(received.values(), performance.now()) }
    }
    await pause(WARM_UP_MS)
    const before = await look()
    await pause(MEASURE_MS)
    const after = await look()
    return measured(best.kind, [before.sent, after.sent], [before.received, after.received], receiving.line_kbps)
  } finally {
    receiving.close()
    sending.close()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => window.setTimeout(resolve, ms))
}
