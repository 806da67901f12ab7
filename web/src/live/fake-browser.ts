/** A hand-written browser for tests: sockets, peer connections, devices and time that the test moves. */
import type { LiveBrowser, SocketLike } from './browser'

export class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: (() => void) | null = null
  readonly sent: { type: string; [key: string]: unknown }[] = []
  closed = false
  constructor(readonly address: string) {}
  send(text: string): void {
    this.sent.push(JSON.parse(text) as { type: string })
  }
  close(): void {
    this.closed = true
  }
  types(): string[] {
    return this.sent.map((message) => message.type)
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify({ v: 1, ...message }) })
  }
}

export class FakeTrack extends EventTarget {
  enabled = true
  contentHint = ''
  stopped = false
  onended: (() => void) | null = null
  constructor(
    readonly kind: 'audio' | 'video',
    readonly name: string = kind,
  ) {
    super()
  }
  get id(): string {
    return this.name
  }
  stop(): void {
    this.stopped = true
  }
  applyConstraints(): Promise<void> {
    return Promise.resolve()
  }
  unplug(): void {
    this.onended?.()
  }
}

export class FakeStream {
  constructor(private tracks: FakeTrack[] = []) {}
  getTracks(): FakeTrack[] {
    return [...this.tracks]
  }
  getVideoTracks(): FakeTrack[] {
    return this.tracks.filter((track) => track.kind === 'video')
  }
  getAudioTracks(): FakeTrack[] {
    return this.tracks.filter((track) => track.kind === 'audio')
  }
  addTrack(track: FakeTrack): void {
    this.tracks.push(track)
  }
  removeTrack(track: FakeTrack): void {
    this.tracks = this.tracks.filter((one) => one !== track)
  }
}

interface FakeParameters {
  encodings: RTCRtpEncodingParameters[]
  codecs: { mimeType: string }[]
  degradationPreference?: string
}

interface FakeSender {
  track: FakeTrack | null
  replaceTrack(track: FakeTrack | null): Promise<void>
  getParameters(): FakeParameters
  setParameters(parameters: FakeParameters): Promise<void>
}

interface FakeTransceiver {
  mid: string | null
  direction: string
  encodings: RTCRtpEncodingParameters[]
  sender: FakeSender
  /** Without `jitterBufferTarget` it is that of an older browser. */
  receiver: { track: FakeTrack; jitterBufferTarget?: number | null }
}

/** Gives mids as a browser does: at setLocalDescription for own transceivers, from the offer's `mids:` line for received ones. */
export class FakePeerConnection {
  connectionState = 'new'
  localDescription: { type: string; sdp: string } | null = null
  remoteDescription: { type: string; sdp: string } | null = null
  onconnectionstatechange: (() => void) | null = null
  closed = false
  /** The video codec that the answer chooses. */
  codec = 'video/VP8'
  /** What getStats gives. */
  stats: object[] = []
  iceRestarts = 0
  olderBrowser = false
  private readonly transceivers: FakeTransceiver[] = []
  constructor(public configuration: RTCConfiguration) {}
  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration
  }
  addTransceiver(track: FakeTrack, init: { direction: string; sendEncodings: RTCRtpEncodingParameters[] }): FakeTransceiver {
    const parameters: FakeParameters = { encodings: init.sendEncodings, codecs: [] }
    const sender: FakeSender = {
      track,
      replaceTrack(next: FakeTrack | null) {
        sender.track = next
        return Promise.resolve()
      },
      getParameters: () => structuredClone({ ...parameters, codecs: this.remoteDescription ? [{ mimeType: this.codec }] : [] }),
      setParameters(next: FakeParameters) {
        Object.assign(parameters, next)
        made.encodings = next.encodings
        return Promise.resolve()
      },
    }
    const made: FakeTransceiver = { mid: null, direction: init.direction, encodings: init.sendEncodings, sender, receiver: { track: new FakeTrack('video') } }
    this.transceivers.push(made)
    return made
  }
  getTransceivers(): FakeTransceiver[] {
    return this.transceivers
  }
  restartIce(): void {
    this.iceRestarts += 1
  }
  createOffer() {
    return Promise.resolve({ type: 'offer', sdp: 'offer' })
  }
  createAnswer() {
    return Promise.resolve({ type: 'answer', sdp: `answer to ${this.remoteDescription?.sdp ?? ''}` })
  }
  setLocalDescription(description: { type: string; sdp: string }): Promise<void> {
    this.localDescription = description
    this.transceivers.forEach((transceiver, index) => (transceiver.mid ??= String(index)))
    return Promise.resolve()
  }
  setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    if (description.sdp === 'broken') return Promise.reject(new Error('bad sdp'))
    this.remoteDescription = description
    const mids = /^mids:(.*)$/.exec(description.sdp)?.[1]?.split(',') ?? []
    for (const mid of mids) {
      if (this.transceivers.some((transceiver) => transceiver.mid === mid)) continue
      const kind = mid.startsWith('a') ? 'audio' : 'video'
      const sender: FakeSender = {
        track: null,
        replaceTrack: () => Promise.resolve(),
        getParameters: () => ({ encodings: [], codecs: [] }),
        setParameters: () => Promise.resolve(),
      }
      this.transceivers.push({ mid, direction: 'recvonly', encodings: [], sender, receiver: { track: new FakeTrack(kind, mid), ...(this.olderBrowser ? {} : { jitterBufferTarget: null }) } })
    }
    return Promise.resolve()
  }
  getStats(): Promise<Map<number, object>> {
    return Promise.resolve(new Map(this.stats.entries()))
  }
  close(): void {
    this.closed = true
  }
  become(state: string): void {
    this.connectionState = state
    this.onconnectionstatechange?.()
  }
}

type Failure = 'NotAllowedError' | 'NotFoundError' | 'NotReadableError'

function failure(name: Failure): Error {
  const error = new Error(name)
  error.name = name
  return error
}

export class FakeDevices extends EventTarget {
  trouble: { camera?: Failure; microphone?: Failure } = {}
  readonly asked: MediaStreamConstraints[] = []
  readonly opened: FakeTrack[] = []
  screen: FakeTrack[] | Failure = [new FakeTrack('video', 'screen')]
  getUserMedia(constraints: MediaStreamConstraints): Promise<FakeStream> {
    this.asked.push(constraints)
    const wrong = (constraints.video && this.trouble.camera) || (constraints.audio && this.trouble.microphone)
    if (wrong) return Promise.reject(failure(wrong))
    const tracks: FakeTrack[] = []
    if (constraints.audio) tracks.push(new FakeTrack('audio'))
    if (constraints.video) tracks.push(new FakeTrack('video'))
    this.opened.push(...tracks)
    return Promise.resolve(new FakeStream(tracks))
  }
  getDisplayMedia(): Promise<FakeStream> {
    return typeof this.screen === 'string' ? Promise.reject(failure(this.screen)) : Promise.resolve(new FakeStream(this.screen))
  }
  enumerateDevices() {
    const devices: { kind: string; deviceId: string; label: string }[] = []
    if (this.trouble.camera !== 'NotFoundError') devices.push({ kind: 'videoinput', deviceId: 'cam', label: 'Camera' })
    if (this.trouble.microphone !== 'NotFoundError') devices.push({ kind: 'audioinput', deviceId: 'mic', label: 'Microphone' })
    return Promise.resolve(devices)
  }
}

export class FakeBrowser {
  readonly sockets: FakeSocket[] = []
  readonly connections: FakePeerConnection[] = []
  readonly devices = new FakeDevices()
  readonly stored = new Map<string, string>()
  private now = 0
  private nextTimer = 1
  private readonly timers = new Map<number, { at: number; callback: () => void }>()
  private online: (() => void) | null = null

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1)
    if (!socket) throw new Error('no socket was opened')
    return socket
  }

  comeOnline(): void {
    this.online?.()
  }

  /** Moves time on, running what falls due on the way. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds
    for (;;) {
      await settled()
      const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0]
      if (!due) break
      this.timers.delete(due[0])
      this.now = Math.max(this.now, due[1].at)
      due[1].callback()
    }
    this.now = end
    await settled()
  }

  /** The computer stands still: time goes on, and timers fall due late. */
  oversleep(milliseconds: number): void {
    this.now += milliseconds
  }

  asBrowser(): LiveBrowser {
    return {
      openSocket: (address) => {
        const socket = new FakeSocket(address)
        this.sockets.push(socket)
        return socket
      },
      createPeerConnection: (configuration) => {
        const connection = new FakePeerConnection(configuration)
        this.connections.push(connection)
        return connection as unknown as RTCPeerConnection
      },
      createStream: () => new FakeStream() as unknown as MediaStream,
      mediaDevices: this.devices as unknown as MediaDevices,
      permissions: undefined,
      storage: { getItem: (key) => this.stored.get(key) ?? null, setItem: (key, value) => void this.stored.set(key, value) },
      setTimer: (callback, delayMs) => {
        this.timers.set(this.nextTimer, { at: this.now + delayMs, callback })
        return this.nextTimer++
      },
      clearTimer: (timer) => void this.timers.delete(timer),
      nowMs: () => this.now,
      random: () => 0.5,
      onOnline: (callback) => {
        this.online = callback
        return () => (this.online = null)
      },
    }
  }
}

/** Lets every promise that can settle now settle. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve()
}
