/** The subscribing peer connection: the relay offers, this side answers, one offer at a time and in order. */
import type { ReceivedTrack } from './remote-media'
import type { OfferedTrack } from './signalling'

export interface SubscriberHooks {
  send(message: { type: 'subscribed'; id: number; sdp: string }): void
  /** What is received has changed. */
  received(tracks: ReceivedTrack[]): void
  failed(error: unknown): void
}

export class Subscriber {
  private work: Promise<void> = Promise.resolve()
  private closed = false
  private wait_ms: number | null = null

  constructor(
    readonly connection: RTCPeerConnection,
    private readonly hooks: SubscriberHooks,
  ) {}

  /** Whether there is a connection that could be restarted. */
  get hasAnswered(): boolean {
    return this.connection.localDescription !== null
  }

  offered(id: number, sdp: string, tracks: OfferedTrack[]): Promise<void> {
    this.work = this.work
      .then(() => this.answer(id, sdp, tracks))
      .catch((error: unknown) => {
        if (!this.closed) this.hooks.failed(error)
      })
    return this.work
  }

  /** Lets all sound and pictures wait so long before they are played, together, so that lips stay in sync; 0: the browser's own choice. */
  setWait(wait_ms: number): void {
    this.wait_ms = wait_ms > 0 ? wait_ms : null
    this.applyWait()
  }

  close(): void {
    this.closed = true
    this.connection.close()
  }

  private async answer(id: number, sdp: string, tracks: OfferedTrack[]): Promise<void> {
    if (this.closed) return
    await this.connection.setRemoteDescription({ type: 'offer', sdp })
    await this.connection.setLocalDescription(await this.connection.createAnswer())
    if (this.closed) return
    this.applyWait()
    this.hooks.send({ type: 'subscribed', id, sdp: this.connection.localDescription?.sdp ?? '' })
    this.hooks.received(this.match(tracks))
  }

  private applyWait(): void {
    for (const { receiver } of this.connection.getTransceivers()) {
      // Older browsers cannot be told.
      if ('jitterBufferTarget' in receiver && receiver.jitterBufferTarget !== this.wait_ms) receiver.jitterBufferTarget = this.wait_ms
    }
  }

  private match(tracks: OfferedTrack[]): ReceivedTrack[] {
    const receivers = new Map(this.connection.getTransceivers().map((t) => [t.mid, t.receiver]))
    return tracks.flatMap((track) => {
      const receiver = receivers.get(track.mid)
      return receiver ? [{ ...track, receiver }] : []
    })
  }
}
