/**
 * One join of one lesson: a socket, its heartbeat and the two peer connections made for it.
 * It lives once; when any part of it dies, all of it dies and LiveClient makes a new one.
 */
import type { LiveBrowser } from './browser'
import type { CaptureProfile } from './encoding'
import { LiveSocket } from './live-socket'
import { MediaPulse } from './media-pulse'
import { Publisher } from './publisher'
import type { ReceivedTrack } from './remote-media'
import type { ClientMessage, ServerMessage } from './signalling'
import { Subscriber } from './subscriber'
import { UplinkWatch } from './uplink-watch'

export const PING_EVERY_MS = 10_000
export const SILENCE_IS_DEATH_MS = 25_000
export const OPEN_WITHIN_MS = 10_000
/** ICE heals short breaks by itself; after this a new join is faster. */
export const DISCONNECTED_PATIENCE_MS = 6_000

/** The relay ends what has moved within 8 s. */
const RETIRED_WITHIN_MS = 12_000

/** Close codes of the service (RFC 6455 7.4.2, private range) after which coming back would be wrong. */
export const CLOSED_REPLACED = 4000
export const CLOSED_LESSON_OVER = 4004

/** `unanswered`: the service was not reached at all; nothing says that it is overloaded. */
export type Death = 'socket' | 'silence' | 'media' | 'unanswered'

export interface ConnectionHooks {
  message(message: ServerMessage): void
  received(tracks: ReceivedTrack[]): void
  mediaState(state: RTCPeerConnectionState): void
  /** This computer's line carries (or no longer carries) its whole picture. */
  uplinkWeak(weak: boolean): void
  died(cause: Death, closeCode: number | null): void
}

const UNHEARD: ConnectionHooks = {
  message: () => undefined,
  received: () => undefined,
  mediaState: () => undefined,
  uplinkWeak: () => undefined,
  died: () => undefined,
}

export class LiveConnection {
  publisher: Publisher | null = null
  private uplink: UplinkWatch | null = null
  readonly subscriber: Subscriber
  private readonly socket: LiveSocket
  private heardAtMs: number
  private beat: number | null = null
  private patience: number | null = null
  private over = false
  private retired = false
  private pulse: MediaPulse | null = null
  private iceServers: RTCIceServer[] = []

  constructor(
    private readonly browser: LiveBrowser,
    address: string,
    lessonId: string,
    private hooks: ConnectionHooks,
    openWithin_ms = OPEN_WITHIN_MS,
  ) {
    this.heardAtMs = browser.nowMs()
    this.socket = new LiveSocket(browser, address, lessonId, openWithin_ms, {
      message: (message) => this.hear(message),
      resumed: () => this.onResumed(),
      lost: (cause, code) => this.die(cause, code),
    })
    this.subscriber = new Subscriber(this.makeConnection(true), {
      send: (message) => this.send(message),
      received: (tracks) => this.hooks.received(tracks),
      failed: () => this.die('media'),
    })
    this.beat = browser.setTimer(() => this.onBeat(), PING_EVERY_MS)
  }

  send(message: ClientMessage): void {
    if (!this.over) this.socket.send(message)
  }

  /** The publishing side, made when first needed. */
  openPublisher(profile: CaptureProfile): Publisher {
    if (this.publisher) return this.publisher
    this.publisher = new Publisher(this.makeConnection(false), profile, {
      send: (message) => this.send(message),
      failed: () => this.die('media'),
    })
    this.uplink = new UplinkWatch(this.browser, this.publisher, (weak) => this.hooks.uplinkWeak(weak))
    return this.publisher
  }

  closePublisher(): void {
    this.uplink?.stop()
    this.uplink = null
    this.publisher?.close()
    this.publisher = null
  }

  /** Whom everything is told from now on. */
  use(hooks: ConnectionHooks): void {
    this.hooks = hooks
  }

  /** Another connection carries the lesson: this one goes on publishing for those who are not there yet, until the relay ends it. */
  retire(): void {
    this.send({ type: 'moved' })
    this.retired = true
    this.hooks = UNHEARD
    this.browser.setTimer(() => this.finish(), RETIRED_WITHIN_MS)
  }

  /** Ends this join on purpose; no more hooks are called. */
  close(): void {
    this.send({ type: 'leave' })
    this.finish()
  }

  private makeConnection(receiving: boolean): RTCPeerConnection {
    const connection = this.browser.createPeerConnection({ bundlePolicy: 'max-bundle', iceServers: this.iceServers })
    connection.onconnectionstatechange = () => this.onMediaState(connection.connectionState, receiving)
    return connection
  }

  private onMediaState(state: RTCPeerConnectionState, receiving: boolean): void {
    if (this.over) return
    if (receiving) this.hooks.mediaState(state)
    if (state === 'failed') this.die('media')
    else if (state === 'disconnected') {
      this.patience ??= this.browser.setTimer(() => this.onImpatience(), DISCONNECTED_PATIENCE_MS)
    }
  }

  private onImpatience(): void {
    this.patience = null
    const states = [this.subscriber.connection, this.publisher?.connection].map((pc) => pc?.connectionState)
    if (states.includes('disconnected')) this.die('media')
  }

  /** Whether the service was reached. */
  get wasOpen(): boolean {
    return this.socket.wasOpen
  }

  /** The socket goes on; does the media? After a change of network it does not, and a new join is faster than ICE's own patience. */
  private onResumed(): void {
    this.heardAtMs = this.browser.nowMs()
    this.pulse?.stop()
    const connections = [this.publisher?.connection, this.subscriber.connection].filter((one) => one !== undefined)
    this.pulse = new MediaPulse(this.browser, connections, () => this.die('media'))
  }

  private hear(message: ServerMessage): void {
    if (this.over) return
    this.heardAtMs = this.browser.nowMs()
    if (message.type === 'welcome') this.useIceServers(message.ice?.ice_servers ?? [])
    if (message.type === 'subscribe') void this.subscriber.offered(message.id, message.sdp, message.tracks)
    else if (message.type === 'published') this.publisher?.answered(message.id, message.sdp)
    else if (message.type === 'wanted') void this.publisher?.setLookedAt(message.source, message.layers, message.kbps)
    else {
      if (message.type === 'error' && message.about === 'publish') this.publisher?.refused()
      this.hooks.message(message)
    }
  }

  /** The deployment's TURN server, for networks that let only port 443 through. Nothing has been gathered yet. */
  private useIceServers(servers: RTCIceServer[]): void {
    this.iceServers = servers
    this.subscriber.connection.setConfiguration({ bundlePolicy: 'max-bundle', iceServers: servers })
  }

  private onBeat(): void {
    const silent_ms = this.browser.nowMs() - this.heardAtMs
    if (silent_ms >= SILENCE_IS_DEATH_MS) {
      if (silent_ms >= SILENCE_IS_DEATH_MS + PING_EVERY_MS) return this.die('silence')
      this.socket.cut()
    }
    this.send({ type: 'ping' })
    this.beat = this.browser.setTimer(() => this.onBeat(), PING_EVERY_MS)
  }

  private die(cause: Death, closeCode: number | null = null): void {
    if (this.over || (this.retired && cause === 'media')) return
    this.finish()
    this.hooks.died(cause, closeCode)
  }

  private finish(): void {
    this.over = true
    for (const timer of [this.beat, this.patience]) if (timer !== null) this.browser.clearTimer(timer)
    this.pulse?.stop()
    this.socket.close()
    this.closePublisher()
    this.subscriber.close()
  }
}
