/**
 * A client of one live lesson: joins, publishes and receives, and comes back by itself after any loss.
 * Knows no framework; the page listens to its state.
 */
import { retryDelayMs } from './backoff'
import type { LiveBrowser } from './browser'
import type { DeviceSource } from './device-choice'
import { profileOf } from './encoding'
import { LessonChoices } from './lesson-choices'
import { LessonMove } from './lesson-move'
import { CLOSED_LESSON_OVER, CLOSED_REPLACED, LiveConnection, type ConnectionHooks, type Death } from './live-connection'
import { FINAL_PHASES, initialState, type LiveState, type Phase } from './live-state'
import { LocalMedia } from './local-media'
import type { OutgoingTracks } from './publisher'
import { RemoteMedia, type ReceivedTrack } from './remote-media'
import { ScreenCapture } from './screen-capture'
import type { ErrorMessage, LineMessage, PartyRole, PictureState, ServerMessage, WelcomeMessage } from './signalling'

export interface LiveClientOptions {
  address: string
  lessonId: string
  /** The role this party will most likely have; camera and microphone are then opened while the join is under way. */
  expectedRole?: PartyRole | null
}

/** Refusals of `join` that another attempt cannot mend. */
const FINAL_REFUSALS = new Set(['not_allowed', 'not_found', 'too_early', 'bad_message', 'not_signed_in', 'unauthorised'])
/** A server that has just started may not know a lesson yet that it will know in a moment: so often is `not_found` asked about again. */
export const PATIENT_REJOINS = 6
/**
 * How long a socket may take to open, one attempt after the other. A first packet that is lost in an outage is sent again after 1, 3, 7 s:
 * attempts of 2 s ask once a second whether the line is back. Every fifth is patient, for lines on which opening takes long.
 */
const OPEN_WITHIN_MS = [2_000, 2_000, 2_000, 2_000, 6_000]
/** A join that held this long was a good one: the next loss starts with the shortest delay again. */
const GOOD_JOIN_MS = 5_000

export class LiveClient {
  state: LiveState = initialState()
  readonly local: LocalMedia
  readonly choices: LessonChoices
  private readonly remote: RemoteMedia
  private readonly screen: ScreenCapture
  private connection: LiveConnection | null = null
  private moving: LessonMove | null = null
  private received: ReceivedTrack[] = []
  private attempt = 0
  private unanswered = 0
  private joinedAtMs: number | null = null
  private retryTimer: number | null = null
  private readonly stopOnline: () => void
  private readonly listeners = new Set<(state: LiveState) => void>()

  constructor(
    private readonly browser: LiveBrowser,
    private readonly options: LiveClientOptions,
  ) {
    this.local = new LocalMedia(browser, () => this.onLocalChange())
    this.remote = new RemoteMedia(browser)
    this.screen = new ScreenCapture(browser, () => this.onScreenChange())
    this.stopOnline = browser.onOnline(() => this.hurry())
    this.choices = new LessonChoices(browser.storage, options.lessonId)
    for (const source of this.choices.present.muted) this.local.setMuted(source, true)
  }

  /** The peer connections of the present join, for measuring from outside. */
  get peerConnections(): { publisher: RTCPeerConnection | null; subscriber: RTCPeerConnection | null } {
    const { connection } = this
    return {
      publisher: connection?.publisher?.connection ?? null,
      subscriber: connection?.subscriber.connection ?? null,
    }
  }

  onChange(listener: (state: LiveState) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  start(): void {
    const { expectedRole } = this.options
    if (expectedRole && expectedRole !== 'observer') void this.local.start(profileOf(expectedRole))
    this.connect()
  }

  leave(): void {
    this.finish('left', '')
  }

  setMuted(source: DeviceSource, muted: boolean): void {
    this.local.setMuted(source, muted)
    this.choices.setMuted(source, muted)
    this.connection?.send({ type: 'mute', source, muted })
  }

  raiseHand(raised: boolean): void {
    this.connection?.send({ type: 'hand', raised })
    this.choices.set({ handRaised: raised })
    this.update({ handRaised: raised })
  }

  setOnStage(partyId: string, on: boolean): void {
    this.connection?.send({ type: 'stage', party_id: partyId, on })
  }

  /** Tells how large each picture is shown; what is not shown need not be sent. */
  look(tracks: { track_id: string; height: number }[]): void {
    this.connection?.send({ type: 'look', tracks })
  }

  /** Shares the screen; the browser asks which one. */
  async shareScreen(): Promise<void> {
    const result = await this.screen.start()
    if (result === 'sharing' && FINAL_PHASES.includes(this.state.phase)) this.screen.stop()
    this.update({ notice: result === 'sharing' ? '' : `screen_${result}` })
  }

  stopSharing(): void {
    this.screen.stop()
  }

  private connect(): void {
    this.retryTimer = null
    this.joinedAtMs = null
    this.connection = this.open(this.ownHooks())
  }

  private open(hooks: ConnectionHooks): LiveConnection {
    const { address, lessonId } = this.options
    return new LiveConnection(this.browser, address, lessonId, hooks, OPEN_WITHIN_MS[this.unanswered % OPEN_WITHIN_MS.length])
  }

  /** What the connection that carries the lesson tells. */
  private ownHooks(): ConnectionHooks {
    return {
      message: (message) => this.onMessage(message),
      received: (tracks) => {
        this.received = tracks
        this.remote.update(tracks)
        this.update({ feeds: this.remote.feeds })
      },
      uplinkWeak: (weak) => this.update({ uplinkWeak: weak }),
      mediaState: (state) => this.update({ mediaConnected: state === 'connected' }),
      died: (cause, closeCode) => this.onDeath(cause, closeCode),
    }
  }

  /** The lesson goes to another relay: be there before this one is left. */
  private move(): void {
    const { connection: left } = this
    if (!left || this.moving) return
    this.moving = new LessonMove(this.browser, () => ({ connection: left.subscriber.connection, tracks: this.received }), {
      open: (hooks) => this.open(hooks),
      publish: (connection, mayPublish) => this.publishOver(connection, mayPublish),
      take: (connection, said, tracks) => this.take(connection, said, tracks),
    })
  }

  private take(connection: LiveConnection, said: ServerMessage[], tracks: ReceivedTrack[]): void {
    this.moving = null
    this.connection?.retire()
    this.connection = connection
    connection.use(this.ownHooks())
    this.received = tracks
    if (tracks.length > 0) this.remote.update(tracks)
    else this.remote.outdate()
    this.update({ feeds: this.remote.feeds, mediaConnected: connection.subscriber.connection.connectionState === 'connected' })
    for (const message of said) this.onMessage(message)
  }

  private onDeath(cause: Death, closeCode: number | null): void {
    if (closeCode === CLOSED_REPLACED) return this.finish('replaced', '')
    if (closeCode === CLOSED_LESSON_OVER) return this.finish('ended', 'lesson_over')
    const held_ms = this.joinedAtMs === null ? 0 : this.browser.nowMs() - this.joinedAtMs
    if (held_ms >= GOOD_JOIN_MS) this.attempt = 0
    this.connection = null
    if (this.moving?.takeNow()) return
    this.moving = null
    this.remote.outdate()
    const line = initialState().line
    this.update({ phase: this.state.role ? 'reconnecting' : 'connecting', mediaConnected: false, line, uplinkWeak: false })
    this.unanswered = cause === 'unanswered' ? this.unanswered + 1 : 0
    // Where nobody answers, nobody is spared by waiting; the line may be back at any moment.
    const wait_ms = cause === 'unanswered' ? 0 : retryDelayMs(this.attempt++, this.browser.random())
    this.retryTimer = this.browser.setTimer(() => this.connect(), wait_ms)
  }

  /** The network is back: no reason to wait out the delay. */
  private hurry(): void {
    if (FINAL_PHASES.includes(this.state.phase)) return
    if (this.connection?.wasOpen) return this.connection.networkChanged()
    if (this.retryTimer !== null) this.browser.clearTimer(this.retryTimer)
    else if (this.connection === null) return
    this.connection?.close()
    this.connect()
  }

  private onMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        return this.onWelcome(message)
      case 'roster': {
        const me = message.parties.find((party) => party.party_id === this.state.partyId)
        const { parties, observers, may_publish: mayPublish } = message
        this.remote.settle(parties)
        this.update({ parties, observers, mayPublish, handRaised: me?.hand_raised ?? false, feeds: this.remote.feeds })
        return this.publish()
      }
      case 'recording':
        return this.update({ recording: { active: message.active, problem: message.problem } })
      case 'line':
        return this.update({ line: { reason: message.reason, kbps: message.kbps, pictures: picturesOf(message) } })
      case 'move':
        return this.move()
      case 'republish':
        // Somebody cannot decode what is sent; a new connection is answered with another codec.
        this.connection?.closePublisher()
        return this.publish()
      case 'lesson':
        if (message.state === 'ended') return this.finish('ended', 'ended')
        if (this.state.lesson) this.update({ lesson: { ...this.state.lesson, state: message.state } })
        return
      case 'lesson_ended':
        return this.finish('ended', message.reason)
      case 'replaced':
        return this.finish('replaced', '')
      case 'error':
        return this.onError(message)
    }
  }

  private onWelcome(message: WelcomeMessage): void {
    this.joinedAtMs = this.browser.nowMs()
    this.update({
      phase: 'live',
      partyId: message.party_id,
      role: message.role,
      lesson: message.lesson,
      mayPublish: message.may_publish,
      recording: { active: message.recording, problem: null },
      notice: '',
    })
    if (message.role !== 'observer') this.sayChoices()
    this.publish()
  }

  /** The service knows nothing of what was chosen over a connection that ended. */
  private sayChoices(): void {
    const { muted, handRaised } = this.choices.present
    for (const source of muted) this.connection?.send({ type: 'mute', source, muted: true })
    if (handRaised) this.connection?.send({ type: 'hand', raised: true })
  }

  private onError(message: ErrorMessage): void {
    if (message.about === 'join' || !this.state.role) {
      if (message.code === 'lesson_over') return this.finish('ended', message.code)
      const mayPass = message.code === 'not_found' && this.state.role !== null && this.attempt <= PATIENT_REJOINS
      if (FINAL_REFUSALS.has(message.code) && !mayPass) return this.finish('refused', message.code)
      return // the close that follows is answered with another attempt
    }
    if (message.code === 'media_lost') return // likewise
    this.update({ notice: message.code })
    if (message.about === 'publish' && message.code === 'not_allowed') this.connection?.closePublisher()
  }

  /** Brings what is published in line with what may be published and what there is. */
  private publish(): void {
    const { connection } = this
    const { role, phase, mayPublish } = this.state
    if (!connection || !role || phase !== 'live') return
    if (!mayPublish || role === 'observer') {
      connection.closePublisher()
      if (role !== 'observer' && !this.screen.stream) this.local.stop()
      return
    }
    void this.local.start(profileOf(role))
    this.publishOver(connection, mayPublish)
  }

  private publishOver(connection: LiveConnection, mayPublish: boolean): void {
    const { role } = this.state
    if (!role || role === 'observer') return
    if (!mayPublish) return connection.closePublisher()
    if (this.local.pending) return // onLocalChange comes back here
    const tracks = this.outgoing()
    if (connection.publisher || Object.keys(tracks).length > 0) {
      void connection.openPublisher(profileOf(role)).setTracks(tracks)
    }
  }

  private outgoing(): OutgoingTracks {
    const { camera, microphone } = this.local.status
    const tracks: OutgoingTracks = {}
    if (camera.track) tracks.camera = camera.track
    if (microphone.track) tracks.microphone = microphone.track
    if (this.screen.picture) tracks.screen = this.screen.picture
    if (this.screen.sound) tracks.screen_audio = this.screen.sound
    return tracks
  }

  private onLocalChange(): void {
    const { camera, microphone } = this.local.status
    this.update({
      camera: { state: camera.state, muted: camera.muted },
      microphone: { state: microphone.state, muted: microphone.muted },
      ownPicture: camera.track,
    })
    this.publish()
  }

  private onScreenChange(): void {
    this.update({ sharing: this.screen.stream })
    this.publish()
  }

  private finish(phase: Phase, reason: string): void {
    if (FINAL_PHASES.includes(this.state.phase)) return
    if (this.retryTimer !== null) this.browser.clearTimer(this.retryTimer)
    this.retryTimer = null
    this.stopOnline()
    // The phase is final before anything is given back, so that no change of the devices publishes again.
    this.update({ phase, reason, feeds: [], mediaConnected: false })
    this.moving?.close()
    this.connection?.close()
    this.moving = this.connection = null
    this.screen.stop()
    this.local.stop()
    this.remote.clear()
  }

  private update(change: Partial<LiveState>): void {
    this.state = { ...this.state, ...change }
    this.state.mediaFlowed ||= this.state.mediaConnected
    for (const listener of this.listeners) listener(this.state)
  }
}

function picturesOf(message: LineMessage): Record<string, PictureState> {
  return Object.fromEntries(message.tracks.map(({ track_id, state }) => [track_id, state]))
}
