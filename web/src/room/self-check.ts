/** Looks, while the room waits, whether its camera, microphone and network are in order, and gives the devices back at once. */
import { stateOfFailure, type DeviceState } from '../live/local-media'
import { cameraConstraints, microphoneConstraints, ROOM_PROFILE } from '../live/encoding'
import { rememberedDevice } from '../live/device-choice'

export type CheckResult = 'checking' | 'good' | 'bad'

export interface SelfCheck {
  camera: { result: CheckResult; state: DeviceState }
  microphone: { result: CheckResult; state: DeviceState }
  /** Round trip to the service in ms, null if it did not answer. */
  network: { result: CheckResult; roundTrip_ms: number | null }
}

export interface CheckParts {
  mediaDevices: Pick<MediaDevices, 'getUserMedia'> | undefined
  storage: Pick<Storage, 'getItem' | 'setItem'> | undefined
  nowMs(): number
  ping(): Promise<unknown>
}

/** A slower round trip than this is worth a red sign: speech would overlap. */
export const SLOW_NETWORK_MS = 400

export function uncheckedRoom(): SelfCheck {
  return {
    camera: { result: 'checking', state: 'starting' },
    microphone: { result: 'checking', state: 'starting' },
    network: { result: 'checking', roundTrip_ms: null },
  }
}

async function tryDevice(parts: CheckParts, constraints: MediaStreamConstraints): Promise<DeviceState> {
  if (!parts.mediaDevices) return 'absent'
  try {
    const stream = await parts.mediaDevices.getUserMedia(constraints)
    const tracks = stream.getTracks()
    const live = tracks.length > 0 && tracks.every((track) => track.readyState === 'live')
    for (const track of tracks) track.stop()
    return live ? 'on' : 'lost'
  } catch (error) {
    return stateOfFailure(error)
  }
}

async function tryNetwork(parts: CheckParts): Promise<SelfCheck['network']> {
  try {
    await parts.ping() // the first may open a connection; the second measures
    const asked_ms = parts.nowMs()
    await parts.ping()
    const roundTrip_ms = Math.round(parts.nowMs() - asked_ms)
    return { result: roundTrip_ms <= SLOW_NETWORK_MS ? 'good' : 'bad', roundTrip_ms }
  } catch {
    return { result: 'bad', roundTrip_ms: null }
  }
}

/** Runs all checks; never rejects. */
export async function checkRoom(parts: CheckParts): Promise<SelfCheck> {
  const { storage } = parts
  const network = tryNetwork(parts)
  const camera = await tryDevice(parts, { video: cameraConstraints(ROOM_PROFILE, rememberedDevice(storage, 'camera')) })
  const microphone = await tryDevice(parts, { audio: microphoneConstraints(rememberedDevice(storage, 'microphone')) })
  const judge = (state: DeviceState) => ({ state, result: state === 'on' ? ('good' as const) : ('bad' as const) })
  return { camera: judge(camera), microphone: judge(microphone), network: await network }
}
