/**
 * What is captured and how much of it is sent: capture constraints and encoder limits for the lead, the rooms and the screen.
 * Sound comes first: a lesson must live in 4 Mbit/s, so a lead sends about 0.9 Mbit/s of picture and a room 0.3.
 */
import type { PartyRole, Source } from './signalling'

export interface CaptureProfile {
  width: number
  height: number
  frameRate: number
  maxBitrate_bps: number
}

export const LEAD_PROFILE: CaptureProfile = { width: 1280, height: 720, frameRate: 25, maxBitrate_bps: 900_000 }
export const ROOM_PROFILE: CaptureProfile = { width: 640, height: 360, frameRate: 25, maxBitrate_bps: 300_000 }
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

/** Encoder limits of one source, for addTransceiver's sendEncodings. */
export function encodingsOf(source: Source, profile: CaptureProfile): RTCRtpEncodingParameters[] {
  switch (source) {
    case 'camera':
      return [{ maxBitrate: profile.maxBitrate_bps, maxFramerate: 30 }]
    case 'screen':
      return [{ maxBitrate: SCREEN_MAX_BITRATE_BPS, maxFramerate: 15 }]
    case 'microphone':
      return [{ maxBitrate: SOUND_MAX_BITRATE_BPS, priority: 'high' }]
    case 'screen_audio':
      return [{ maxBitrate: SCREEN_SOUND_MAX_BITRATE_BPS }]
  }
}

/** Hint for the encoder: people keep moving, letters stay sharp. */
export function contentHintOf(source: Source): string {
  switch (source) {
    case 'camera':
      return 'motion'
    case 'screen':
      return 'detail'
    case 'microphone':
      return 'speech'
    case 'screen_audio':
      return 'music'
  }
}
