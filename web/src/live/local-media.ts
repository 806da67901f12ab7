/**
 * The camera and the microphone of this computer: opened, kept, lost and recovered.
 * A missing or refused device never stops a lesson: the other one goes on, or the person only watches and listens.
 */
import type { LiveBrowser } from './browser'
import { rememberDevice, rememberedDevice, type DeviceSource } from './device-choice'
import { cameraConstraints, contentHintOf, microphoneConstraints, ROOM_PROFILE, type CaptureProfile } from './encoding'

/** off: not asked for · starting · on · absent: no such device · refused: not permitted · busy: another program has it · lost: unplugged meanwhile */
export type DeviceState = 'off' | 'starting' | 'on' | 'absent' | 'refused' | 'busy' | 'lost'

export interface DeviceStatus {
  state: DeviceState
  muted: boolean
  track: MediaStreamTrack | null
}

export interface DeviceLabel {
  deviceId: string
  label: string
}

export const RETRY_DELAY_MS = 4000
const SOURCES: readonly DeviceSource[] = ['camera', 'microphone']
const KIND_OF_DEVICE: Record<DeviceSource, MediaDeviceKind> = { camera: 'videoinput', microphone: 'audioinput' }

/** What a failed getUserMedia means for the person. */
export function stateOfFailure(error: unknown): DeviceState {
  const name = error instanceof Error || error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'refused'
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'absent'
  return 'busy'
}

export class LocalMedia {
  readonly status: Record<DeviceSource, DeviceStatus> = {
    camera: { state: 'off', muted: false, track: null },
    microphone: { state: 'off', muted: false, track: null },
  }
  private profile: CaptureProfile = ROOM_PROFILE
  private wanted = false
  private opening: Promise<void> | null = null
  private retryTimer: number | null = null
  private readonly releases: (() => void)[] = []

  constructor(
    private readonly browser: LiveBrowser,
    private readonly onChange: () => void,
  ) {}

  /** True while the first answer of the devices is still awaited. */
  get pending(): boolean {
    return SOURCES.some((source) => this.status[source].state === 'starting')
  }

  /** Opens what can be opened; never rejects. Asking again is free. */
  start(profile: CaptureProfile): Promise<void> {
    this.applyProfile(profile)
    if (this.wanted) return this.opening ?? Promise.resolve()
    this.wanted = true
    this.watch()
    for (const source of SOURCES) this.status[source].state = 'starting'
    this.onChange()
    return this.open(SOURCES)
  }

  /** Gives every device back. */
  stop(): void {
    if (!this.wanted) return
    this.wanted = false
    if (this.retryTimer !== null) this.browser.clearTimer(this.retryTimer)
    this.retryTimer = null
    for (const release of this.releases.splice(0)) release()
    for (const source of SOURCES) {
      this.drop(source)
      this.status[source].state = 'off'
    }
    this.onChange()
  }

  setMuted(source: DeviceSource, muted: boolean): void {
    const status = this.status[source]
    status.muted = muted
    if (status.track) status.track.enabled = !muted
    this.onChange()
  }

  /** Switches to another device at once and remembers it. */
  async choose(source: DeviceSource, deviceId: string): Promise<void> {
    rememberDevice(this.browser.storage, source, deviceId)
    if (!this.wanted) return
    await this.opening
    this.drop(source)
    this.status[source].state = 'starting'
    this.onChange()
    await this.open([source])
  }

  /** Devices to choose from; labels are empty until permission is given. */
  async list(source: DeviceSource): Promise<DeviceLabel[]> {
    const devices = (await this.browser.mediaDevices?.enumerateDevices().catch(() => [])) ?? []
    return devices
      .filter((device) => device.kind === KIND_OF_DEVICE[source] && device.deviceId)
      .map((device) => ({ deviceId: device.deviceId, label: device.label }))
  }

  private applyProfile(profile: CaptureProfile): void {
    if (profile === this.profile) return
    this.profile = profile
    // A camera that cannot change keeps what it has: the encoder's limits still hold.
    this.status.camera.track?.applyConstraints(cameraConstraints(profile)).catch(() => undefined)
  }

  private open(sources: readonly DeviceSource[]): Promise<void> {
    const opening = this.openEach(sources).finally(() => {
      if (this.opening === opening) this.opening = null
      this.scheduleRetry()
      this.onChange()
    })
    this.opening = opening
    return opening
  }

  private async openEach(sources: readonly DeviceSource[]): Promise<void> {
    if (sources.length === 2 && (await this.capture(sources))) return
    // Together it failed: sound first, then the picture by itself.
    if (sources.includes('microphone')) await this.capture(['microphone'])
    if (sources.includes('camera')) await this.capture(['camera'])
  }

  private async capture(sources: readonly DeviceSource[]): Promise<boolean> {
    const constraints: MediaStreamConstraints = {}
    const { mediaDevices, storage } = this.browser
    if (!mediaDevices) return this.fail(sources, 'absent')
    if (sources.includes('camera')) {
      constraints.video = cameraConstraints(this.profile, rememberedDevice(storage, 'camera'))
    }
    if (sources.includes('microphone')) {
      constraints.audio = microphoneConstraints(rememberedDevice(storage, 'microphone'))
    }
    try {
      const stream = await mediaDevices.getUserMedia(constraints)
      for (const track of stream.getTracks()) this.adopt(track)
      return true
    } catch (error) {
      return this.fail(sources, stateOfFailure(error))
    }
  }

  private fail(sources: readonly DeviceSource[], state: DeviceState): false {
    // Of two asked for together it is not known which one failed: each is then asked for alone.
    if (sources.length === 1) for (const source of sources) this.status[source].state = state
    return false
  }

  private adopt(track: MediaStreamTrack): void {
    if (!this.wanted) {
      track.stop()
      return
    }
    const source: DeviceSource = track.kind === 'video' ? 'camera' : 'microphone'
    const status = this.status[source]
    this.drop(source)
    track.contentHint = contentHintOf(source)
    track.enabled = !status.muted
    track.onended = () => this.lose(source, track)
    status.track = track
    status.state = 'on'
  }

  private lose(source: DeviceSource, track: MediaStreamTrack): void {
    if (this.status[source].track !== track) return
    this.status[source].track = null
    this.status[source].state = 'lost'
    this.onChange()
    this.scheduleRetry()
  }

  private drop(source: DeviceSource): void {
    const { track } = this.status[source]
    if (!track) return
    track.onended = null
    track.stop()
    this.status[source].track = null
  }

  private watch(): void {
    const { mediaDevices, permissions } = this.browser
    const again = () => void this.recover(['absent', 'lost', 'busy'])
    mediaDevices?.addEventListener?.('devicechange', again)
    this.releases.push(() => mediaDevices?.removeEventListener?.('devicechange', again))
    for (const name of SOURCES) {
      permissions
        ?.query({ name: name as PermissionName })
        .then((permission) => {
          if (!this.wanted) return
          permission.onchange = () => void this.recover(['refused'])
          this.releases.push(() => (permission.onchange = null))
        })
        .catch(() => undefined) // a browser that cannot tell: the person reloads the page after permitting
    }
  }

  /** Tries again what a change may have mended. */
  private async recover(states: DeviceState[]): Promise<void> {
    if (!this.wanted || this.opening) return
    const sources = SOURCES.filter((source) => states.includes(this.status[source].state))
    const present: DeviceSource[] = []
    for (const source of sources) if (await this.exists(source)) present.push(source)
    if (present.length > 0 && this.wanted && !this.opening) await this.open(present)
    else this.scheduleRetry()
  }

  private async exists(source: DeviceSource): Promise<boolean> {
    const devices = (await this.browser.mediaDevices?.enumerateDevices().catch(() => [])) ?? []
    return devices.some((device) => device.kind === KIND_OF_DEVICE[source])
  }

  private scheduleRetry(): void {
    const waiting = SOURCES.some((source) => ['busy', 'lost'].includes(this.status[source].state))
    if (!this.wanted || !waiting || this.retryTimer !== null) return
    this.retryTimer = this.browser.setTimer(() => {
      this.retryTimer = null
      void this.recover(['busy', 'lost'])
    }, RETRY_DELAY_MS)
  }
}
