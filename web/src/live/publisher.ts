/**
 * The publishing peer connection: this side offers, the relay answers.
 * Tracks come and go by source; a swapped device needs no new offer, a new or ended source does, and offers never overlap.
 */
import { encodingsOf, type CaptureProfile } from './encoding'
import type { PublishedTrack, Source } from './signalling'

export type OutgoingTracks = Partial<Record<Source, MediaStreamTrack>>

export interface PublisherHooks {
  send(message: { type: 'publish'; id: number; sdp: string; tracks: PublishedTrack[] }): void
  /** The connection cannot be used any more; the whole join is made anew. */
  failed(error: unknown): void
}

const ORDER: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio']

export class Publisher {
  private readonly transceivers = new Map<Source, RTCRtpTransceiver>()
  private wanted: OutgoingTracks = {}
  private work: Promise<void> = Promise.resolve()
  private nextId = 1
  private awaited: { id: number; resolve: (sdp: string | null) => void } | null = null
  private closed = false

  constructor(
    readonly connection: RTCPeerConnection,
    private readonly profile: CaptureProfile,
    private readonly hooks: PublisherHooks,
  ) {}

  /** Makes these the published tracks; resolves when the relay has answered, if it had to be asked. */
  setTracks(tracks: OutgoingTracks): Promise<void> {
    this.wanted = { ...tracks }
    this.work = this.work
      .then(() => this.settle())
      .catch((error: unknown) => {
        if (!this.closed) this.hooks.failed(error)
      })
    return this.work
  }

  /** The relay's answer; an answer nobody waits for is ignored. */
  answered(id: number, sdp: string): void {
    if (this.awaited?.id === id) this.release(sdp)
  }

  /** The relay refused the outstanding offer: what was published before stays. */
  refused(): void {
    this.release(null)
  }

  close(): void {
    this.closed = true
    this.release(null)
    this.connection.close()
  }

  private release(sdp: string | null): void {
    const { awaited } = this
    this.awaited = null
    awaited?.resolve(sdp)
  }

  private async settle(): Promise<void> {
    if (this.closed) return
    let changed = false
    for (const source of ORDER) changed = (await this.place(source, this.wanted[source] ?? null)) || changed
    if (changed && !this.closed) await this.negotiate()
  }

  /** Puts one source where it belongs; true if the relay must be asked. */
  private async place(source: Source, track: MediaStreamTrack | null): Promise<boolean> {
    const transceiver = this.transceivers.get(source)
    if (!transceiver) {
      if (!track) return false
      const sendEncodings = encodingsOf(source, this.profile)
      this.transceivers.set(source, this.connection.addTransceiver(track, { direction: 'sendonly', sendEncodings }))
      return true
    }
    if (transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track)
    // A lost device keeps its place: it may come back at any moment, and a screen that ended does not.
    const direction = track ? 'sendonly' : source.startsWith('screen') ? 'inactive' : transceiver.direction
    if (transceiver.direction === direction) return false
    transceiver.direction = direction
    return true
  }

  private async negotiate(): Promise<void> {
    await this.connection.setLocalDescription(await this.connection.createOffer())
    const sdp = this.connection.localDescription?.sdp ?? ''
    const id = this.nextId++
    const answer = new Promise<string | null>((resolve) => (this.awaited = { id, resolve }))
    this.hooks.send({ type: 'publish', id, sdp, tracks: this.publishedTracks() })
    const answerSdp = await answer
    if (this.closed) return
    if (answerSdp === null) await this.connection.setLocalDescription({ type: 'rollback' })
    else await this.connection.setRemoteDescription({ type: 'answer', sdp: answerSdp })
  }

  private publishedTracks(): PublishedTrack[] {
    const tracks: PublishedTrack[] = []
    for (const source of ORDER) {
      const transceiver = this.transceivers.get(source)
      if (transceiver?.mid && transceiver.direction === 'sendonly') tracks.push({ mid: transceiver.mid, source })
    }
    return tracks
  }
}
