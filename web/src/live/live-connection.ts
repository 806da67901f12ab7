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
/** So long after both sides know of an ICE restart media must come again; else everything is made anew. */
export const RESTARTED_WITHIN_MS = 5_000
/** So long a socket has to answer when the computer's network has changed. */
const PONG_WITHIN_MS = 700

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
  private readonly pulse: MediaPulse
  private doubtedAtMs = 0
  private restarted: number | null = null
  private retired = false
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
    this.pulse = new MediaPulse(browser, () => this.connections, {
      suspicious: () => this.doubt(),
      silent: () => this.onSilent(),
      back: () => this.onBack(),
    })
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
    this.pulse.stop()
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
    if (this.socket.isCut) return // the whole line is away: what there is may go on when it is back
    if (state === 'failed') this.die('media')
    else if (state === 'disconnected') {
      this.patience ??= this.browser.setTimer(() => this.onImpatience(), DISCONNECTED_PATIENCE_MS)
    }
  }

  private onImpatience(): void {
    this.patience = null
    if (!this.socket.isCut && this.isBroken) this.die('media')
  }

  private get connections(): RTCPeerConnection[] {
    const { publisher } = this
    return publisher ? [publisher.connection, this.subscriber.connection] : [this.subscriber.connection]
  }

  /** By ICE's own judgement, which takes its time. */
  private get isBroken(): boolean {
    return this.connections.some((one) => one.connectionState === 'disconnected' || one.connectionState === 'failed')
  }

  /** Whether the service was reached. */
  get wasOpen(): boolean {
    return this.socket.wasOpen
  }

  /** The computer's network has changed: whether the socket still lives is asked at once. */
  networkChanged(): void {
    this.doubt()
    const asked = this.doubtedAtMs
    this.browser.setTimer(() => {
      if (!this.over && this.doubtedAtMs === asked && this.heardAtMs < asked) this.socket.cut()
    }, PONG_WITHIN_MS)
  }

  private doubt(): void {
    this.doubtedAtMs = this.browser.nowMs()
    this.send({ type: 'ping' })
  }

  /**
   * No packet comes any more. Where the service does not answer either, its socket is taken up anew; media gets another path by an ICE
   * restart, which keeps everything else: encryption, tracks, the room's place.
   */
  private onSilent(): void {
    if (this.over) return
    this.hooks.mediaState('disconnected')
    if (this.heardAtMs < this.doubtedAtMs) this.socket.cut()
    this.restartMedia()
  }

  private restartMedia(): void {
    void this.publisher?.restart()
    if (this.subscriber.hasAnswered) this.send({ type: 'restart' })
    this.awaitMedia()
  }

  private awaitMedia(): void {
    if (this.restarted !== null) this.browser.clearTimer(this.restarted)
    this.restarted = this.browser.setTimer(() => {
      this.restarted = null
      if (!this.socket.isCut) this.die('media')
    }, RESTARTED_WITHIN_MS)
  }

  private onBack(): void {
    if (this.restarted !== null) this.browser.clearTimer(this.restarted)
    this.restarted = null
    this.hooks.mediaState(this.subscriber.connection.connectionState)
    // One of the two came back; the other has until ICE's patience ends.
    if (this.isBroken) this.patience ??= this.browser.setTimer(() => this.onImpatience(), DISCONNECTED_PATIENCE_MS)
  }

  /** The socket goes on, and with it what was to be said of the media's new path. */
  private onResumed(): void {
    this.heardAtMs = this.browser.nowMs()
    if (this.retired) return
    if (this.pulse.isSilent) this.awaitMedia()
    else if (this.isBroken) this.restartMedia()
  }

  private hear(message: ServerMessage): void {
    if (this.over) return
    this.heardAtMs = this.browser.nowMs()
    if (message.type === 'welcome') this.useIceServers(message.ice?.ice_servers ?? [])
    if (message.type === 'subscribe') void this.subscriber.offered(message.id, message.sdp, message.tracks)
    else if (message.type === 'published') this.publisher?.answered(message.id, message.sdp)
    else if (message.type === 'wanted') void this.publisher?.setLookedAt(message.source, message.layers, message.kbps)
    else {
      if (message.type === 'line') this.subscriber.setWait(message.wait_ms ?? 0)
      if (message.type === 'error' && message.about === 'restart') return this.die('media') // an older relay
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
    for (const timer of [this.beat, this.patience, this.restarted]) if (timer !== null) this.browser.clearTimer(timer)
    this.pulse.stop()
    this.socket.close()
    this.closePublisher()
    this.subscriber.close()
  }
}
