/**
 * The publishing peer connection: this side offers, the relay answers.
 * Tracks come and go by source; a swapped device needs no new offer, a new or ended source does, and offers never overlap.
 */
import { encodingsOf, withLayers, type CaptureProfile } from './encoding'
import type { PublishedTrack, Source } from './signalling'

export type OutgoingTracks = Partial<Record<Source, MediaStreamTrack>>

export interface PublisherHooks {
  send(message: { type: 'publish'; id: number; sdp: string; tracks: PublishedTrack[] }): void
  /** The connection cannot be used any more; the whole join is made anew. */
  failed(error: unknown): void
}

/** Lets the relay halve the frame rate for a weak line, where the codec turns out to be VP8. */
const SCALABILITY = { mode: 'L1T2', layers: 2 }
const ORDER: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio']

export class Publisher {
  private readonly transceivers = new Map<Source, RTCRtpTransceiver>()
  private wanted: OutgoingTracks = {}
  /** How many layers of a source somebody is sent, as the relay says; a source it did not speak of is sent whole. */
  private readonly lookedAt = new Map<Source, LookedAt>()
  private manyLayers = true
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

  /** Somebody is sent only the lowest so many layers of the source (0: nobody looks at it), the lowest taking no more than `kbps`. */
  setLookedAt(source: Source, layers: number, kbps?: number): Promise<void> {
    this.lookedAt.set(source, { layers, lowest_bps: kbps === undefined ? null : 1000 * kbps })
    return this.adjust()
  }

  /** Whether this computer's line carries more than one layer. */
  setManyLayers(many: boolean): Promise<void> {
    if (many === this.manyLayers) return Promise.resolve()
    this.manyLayers = many
    return this.adjust()
  }

  /** Finds another path for what is sent (ICE restart), once the relay was asked; nothing else changes. */
  restart(): Promise<void> {
    this.work = this.work
      .then(() => {
        if (this.closed || !this.connection.remoteDescription) return undefined
        this.connection.restartIce()
        return this.negotiate()
      })
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
      this.transceivers.set(source, this.addTransceiver(source, track))
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
    await this.limit().catch(() => undefined) // what is sent goes on without
  }

  private addTransceiver(source: Source, track: MediaStreamTrack): RTCRtpTransceiver {
    const sendEncodings = encodingsOf(source, this.profile)
    const thinnable = sendEncodings.map((encoding) => ({ ...encoding, scalabilityMode: SCALABILITY.mode }))
    try {
      return this.connection.addTransceiver(track, { direction: 'sendonly', sendEncodings: isPicture(source) ? thinnable : sendEncodings })
    } catch {
      // A browser that knows no such mode.
      return this.connection.addTransceiver(track, { direction: 'sendonly', sendEncodings })
    }
  }

  private adjust(): Promise<void> {
    this.work = this.work.then(() => this.limit()).catch(() => undefined) // limits are wishes: what is sent goes on
    return this.work
  }

  /** Brings the encoders in line with the codec that was chosen, with what is looked at and with what the line carries. */
  private async limit(): Promise<void> {
    for (const [source, { sender }] of this.transceivers) {
      if (this.closed || !isPicture(source)) continue
      const parameters = sender.getParameters()
      const before = JSON.stringify([parameters.encodings, parameters.degradationPreference])
      const looked = this.lookedAt.get(source) ?? { layers: parameters.encodings.length, lowest_bps: null }
      const layers = Math.min(looked.layers, this.manyLayers ? parameters.encodings.length : 1)
      parameters.encodings = withLayers(parameters.encodings, encodingsOf(source, this.profile), layers, looked.lowest_bps)
      // Letters must stay sharp: a screen loses frames before it loses lines.
      parameters.degradationPreference = source === 'screen' ? 'maintain-resolution' : parameters.degradationPreference
      const codec = (parameters.codecs as RTCRtpCodecParameters[] | undefined)?.[0]?.mimeType // not every browser tells
      if (codec && codec !== 'video/VP8') {
        // Other codecs gain nothing from it here, and some encoders in hardware cannot do it.
        for (const encoding of parameters.encodings as ScalableEncoding[]) delete encoding.scalabilityMode
      }
      if (JSON.stringify([parameters.encodings, parameters.degradationPreference]) !== before) await sender.setParameters(parameters)
    }
  }

  private publishedTracks(): PublishedTrack[] {
    const tracks: PublishedTrack[] = []
    for (const source of ORDER) {
      const transceiver = this.transceivers.get(source)
      if (!transceiver?.mid || transceiver.direction !== 'sendonly') continue
      const [encoding] = transceiver.sender.getParameters().encodings as (ScalableEncoding | undefined)[]
      const thinnable = encoding?.scalabilityMode === SCALABILITY.mode
      tracks.push({ mid: transceiver.mid, source, ...(thinnable ? { temporal_layers: SCALABILITY.layers } : {}) })
    }
    return tracks
  }
}

interface LookedAt {
  layers: number
  /** What the lowest layer may take at most, so that it fits the weakest line it goes over; null: what suits us. */
  lowest_bps: number | null
}

type ScalableEncoding = RTCRtpEncodingParameters & { scalabilityMode?: string }

function isPicture(source: Source): boolean {
  return source === 'camera' || source === 'screen'
}
