/**
 * The lesson goes to another relay: this joins it there beside the connection that still carries it, publishes and receives over both,
 * and hands the new one over once everything flows, so that nobody hears or sees the change.
 */
import type { LiveBrowser } from './browser'
import type { ConnectionHooks, LiveConnection } from './live-connection'
import type { ReceivedTrack } from './remote-media'
import type { ServerMessage } from './signalling'

export const LOOK_EVERY_MS = 50
export const TRY_AGAIN_MS = 300

export interface MoveHooks {
  /** Makes a connection to the lesson, wherever that is now. */
  open(hooks: ConnectionHooks): LiveConnection
  publish(connection: LiveConnection, mayPublish: boolean): void
  /** All flows over the connection; `said` is what was told on it so far, still to be acted on. */
  take(connection: LiveConnection, said: ServerMessage[], tracks: ReceivedTrack[]): void
}

export class LessonMove {
  private connection: LiveConnection | null = null
  private said: ServerMessage[] = []
  private tracks: ReceivedTrack[] = []
  private mayPublish = false
  private timer: number | null = null
  private over = false

  /** `left` is what the connection that carries the lesson gives, in its state of the moment. */
  constructor(
    private readonly browser: LiveBrowser,
    private readonly left: () => { connection: RTCPeerConnection; tracks: ReceivedTrack[] },
    private readonly hooks: MoveHooks,
  ) {
    this.begin()
    this.watch()
  }

  /** Hands over what there is, because nothing else carries the lesson any more; false if that is nothing. */
  takeNow(): boolean {
    const { connection } = this
    this.stop()
    if (!connection) return false
    this.hooks.take(connection, this.said, this.tracks)
    return true
  }

  /** Gives the move up. */
  close(): void {
    this.stop()
    this.connection?.close()
  }

  private stop(): void {
    this.over = true
    if (this.timer !== null) this.browser.clearTimer(this.timer)
  }

  private begin(): void {
    this.said = []
    this.tracks = []
    this.connection = this.hooks.open({
      message: (message) => this.hear(message),
      received: (tracks) => (this.tracks = tracks),
      mediaState: () => undefined,
      uplinkWeak: () => undefined,
      died: () => this.onDeath(),
    })
  }

  private hear(message: ServerMessage): void {
    const { connection } = this
    if (!connection) return
    this.said.push(message)
    if (message.type === 'republish') connection.closePublisher()
    if (message.type === 'welcome' || message.type === 'roster') this.mayPublish = message.may_publish
    if (['welcome', 'roster', 'republish'].includes(message.type)) this.hooks.publish(connection, this.mayPublish)
    if (message.type === 'lesson_ended' || message.type === 'replaced') this.takeNow()
  }

  /** As long as the other connection carries the lesson there is time for another attempt. */
  private onDeath(): void {
    this.connection = null
    if (!this.over) this.browser.setTimer(() => !this.over && this.begin(), TRY_AGAIN_MS)
  }

  private watch(): void {
    this.timer = this.browser.setTimer(() => {
      void this.isReady().then((ready) => {
        if (this.over) return
        if (ready) this.takeNow()
        else this.watch()
      })
    }, LOOK_EVERY_MS)
  }

  /** Whether everything that flows over the one connection flows over the other, too. */
  private async isReady(): Promise<boolean> {
    const { connection, tracks } = this
    if (!connection || !this.said.some((one) => one.type === 'welcome')) return false
    const before = this.left()
    const [old, flowing] = await Promise.all([
      sourcesThatFlow(before.connection, before.tracks),
      sourcesThatFlow(connection.subscriber.connection, tracks),
    ])
    return this.connection === connection && [...old].every((source) => flowing.has(source))
  }
}

interface InboundStatistics {
  type: string
  trackIdentifier?: string
  packetsReceived?: number
  framesDecoded?: number
}

/** Parties' sources of which sound arrives, or pictures that can be seen. */
async function sourcesThatFlow(connection: RTCPeerConnection, tracks: ReceivedTrack[]): Promise<Set<string>> {
  const reports = [...(await connection.getStats()).values()] as InboundStatistics[]
  const flowing = new Set<string>()
  for (const { type, trackIdentifier, packetsReceived, framesDecoded } of reports) {
    if (type !== 'inbound-rtp') continue
    const track = tracks.find((one) => one.receiver.track.id === trackIdentifier)
    if (track && (track.kind === 'video' ? framesDecoded : packetsReceived)) flowing.add(`${track.party_id}|${track.source}`)
  }
  return flowing
}
