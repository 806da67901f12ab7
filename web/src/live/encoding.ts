/**
 * What is captured and how much of it is sent: capture constraints and encoder limits for the lead, the rooms and the screen.
 * The lead's camera goes out in two layers (simulcast), so that the relay can send each room what its line carries.
 */
import type { PartyRole, Source } from './signalling'

export interface CaptureProfile {
  width: number
  height: number
  frameRate: number
  /** Layers of the camera's picture, lowest first. */
  layers: readonly Layer[]
}

export interface Layer {
  maxBitrate_bps: number
  /** Its share of the captured width and height is one over this. */
  scaleDownBy: number
}

export const LEAD_PROFILE: CaptureProfile = {
  width: 1280,
  height: 720,
  frameRate: 25,
  layers: [
    { maxBitrate_bps: 350_000, scaleDownBy: 2 },
    { maxBitrate_bps: 1_500_000, scaleDownBy: 1 },
  ],
}
export const ROOM_PROFILE: CaptureProfile = {
  width: 640,
  height: 360,
  frameRate: 25,
  layers: [{ maxBitrate_bps: 300_000, scaleDownBy: 1 }],
}
/** What the lowest of several layers may take while it is the only one. */
export const SINGLE_LAYER_MAX_BITRATE_BPS = 900_000
const SCREEN_MAX_BITRATE_BPS = 1_200_000
const SOUND_MAX_BITRATE_BPS = 40_000
const SCREEN_SOUND_MAX_BITRATE_BPS = 64_000

export function profileOf(role: PartyRole): CaptureProfile {
  return role === 'lead' ? LEAD_PROFILE : ROOM_PROFILE
}

/** Camera constraints; only wishes, so that any camera is good enough. */
export function cameraConstraints(profile: CaptureProfile, deviceId?: string): MediaTrackConstraints {
  return {
    width: { ideal: profile.width },
    height: { ideal: profile.height },
    frameRate: { ideal: profile.frameRate, max: 30 },
    ...(deviceId ? { deviceId: { ideal: deviceId } } : {}),
  }
}

/** Microphone constraints: rooms have loudspeakers, so echo is cancelled. */
export function microphoneConstraints(deviceId?: string): MediaTrackConstraints {
  return {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    channelCount: { ideal: 1 },
    ...(deviceId ? { deviceId: { ideal: deviceId } } : {}),
  }
}

export function screenConstraints(): DisplayMediaStreamOptions {
  return {
    video: { frameRate: { ideal: 10, max: 15 }, width: { max: 1920 }, height: { max: 1080 } },
    audio: true,
  }
}

const RIDS = ['l', 'h']

/** Encoder limits of one source, for addTransceiver's sendEncodings; several of the camera are simulcast layers, lowest first. */
export function encodingsOf(source: Source, profile: CaptureProfile): RTCRtpEncodingParameters[] {
  switch (source) {
    case 'camera':
      return profile.layers.map((layer, index) => ({
        ...(profile.layers.length > 1 ? { rid: RIDS[index], scaleResolutionDownBy: layer.scaleDownBy } : {}),
        maxBitrate: layer.maxBitrate_bps,
        maxFramerate: 30,
      }))
    case 'screen':
      return [{ maxBitrate: SCREEN_MAX_BITRATE_BPS, maxFramerate: 15 }]
    case 'microphone':
      return [{ maxBitrate: SOUND_MAX_BITRATE_BPS, priority: 'high', networkPriority: 'high' }]
    case 'screen_audio':
      return [{ maxBitrate: SCREEN_SOUND_MAX_BITRATE_BPS }]
  }
}

/**
 * What of a picture's encodings is sent when only its lowest `layers` are wanted; 0: nothing. `own` are their limits as they began.
 * With `lowest_bps` the lowest layer fits the lines that get no more: better than usual on a fair line, smaller on a poor one.
 */
export function withLayers(
  encodings: RTCRtpEncodingParameters[],
  own: RTCRtpEncodingParameters[],
  layers: number,
  lowest_bps: number | null,
): RTCRtpEncodingParameters[] {
  const usual_bps = own[0]?.maxBitrate ?? SINGLE_LAYER_MAX_BITRATE_BPS
  const most_bps = encodings.length > 1 ? SINGLE_LAYER_MAX_BITRATE_BPS : usual_bps
  const suits_bps = layers === 1 ? most_bps : usual_bps
  const maxBitrate = lowest_bps === null ? suits_bps : Math.min(most_bps, lowest_bps)
  return encodings.map((encoding, index) => ({ ...encoding, active: index < layers, ...(index === 0 ? { maxBitrate } : {}) }))
}

/** Hint for the encoder: people keep moving, letters stay sharp. */
export function contentHintOf(source: Source): string {
  switch (source) {
    case 'camera':
      return 'motion'
    case 'screen':
      return 'text'
    case 'microphone':
      return 'speech'
    case 'screen_audio':
      return 'music'
  }
}
