/** Watches what a room receives: a sample of the statistics four times a second, each shown frame, each slide. */

const SAMPLE_EVERY_MS = 250
export const SLIDE_BLOCKS = 8

export interface Sample {
  at_ms: number
  /** Counters of each incoming stream, by its SSRC and connection. */
  streams: Record<string, unknown>[]
}

export class Meter {
  readonly samples: Sample[] = []
  /** Shown frames of the lead's camera: when, and how high. */
  readonly frames: [number, number][] = []
  readonly slides: [number, number][] = []
  private epoch = 0
  private last: RTCPeerConnection | null = null

  constructor(private readonly connection: () => RTCPeerConnection | null) {
    setInterval(() => void this.sample(), SAMPLE_EVERY_MS)
  }

  watchCamera(video: HTMLVideoElement): void {
    video.requestVideoFrameCallback((now, frame) => {
      this.frames.push([performance.timeOrigin + now, frame.height])
      this.watchCamera(video)
    })
  }

  watchSlides(video: HTMLVideoElement): void {
    const canvas = document.createElement('canvas')
    canvas.width = 4 * SLIDE_BLOCKS
    canvas.height = 18
    const context = canvas.getContext('2d', { willReadFrequently: true })!
    const look = () => {
      context.drawImage(video, 0, 0, canvas.width, canvas.height)
      const pixels = context.getImageData(0, 1, canvas.width, 1).data
      let number = 0
      for (let bit = 0; bit < SLIDE_BLOCKS; bit++) number = 2 * number + (pixels[4 * (4 * bit + 2)]! > 127 ? 1 : 0)
      if (this.slides.at(-1)?.[0] !== number) this.slides.push([number, Date.now()])
      video.requestVideoFrameCallback(look)
    }
    video.requestVideoFrameCallback(look)
  }

  private async sample(): Promise<void> {
    const connection = this.connection()
    if (!connection) return
    if (connection !== this.last) {
      this.last = connection
      this.epoch++
    }
    const { epoch } = this
    const report = await connection.getStats().catch(() => null)
    const streams = [...(report?.values() ?? [])]
      .filter((one) => one.type === 'inbound-rtp')
      .map(({ id, kind, ...one }) => ({
        key: `${epoch}|${id}`,
        kind,
        bytes: one.bytesReceived, // of payloads, what was repaired among them, without padding
        packets: one.packetsReceived - (one.retransmittedPacketsReceived ?? 0),
        lost: one.packetsLost,
        frames: one.framesDecoded,
        height: one.frameHeight,
        codec: report!.get(one.codecId)?.mimeType,
        concealed: one.concealedSamples,
        silent: one.silentConcealedSamples,
        samples: one.totalSamplesReceived,
        buffered_s: one.jitterBufferDelay,
        emitted: one.jitterBufferEmittedCount,
        freezes: one.freezeCount,
        frozen_s: one.totalFreezesDuration,
        nacks: one.nackCount,
        plis: one.pliCount,
      }))
    this.samples.push({ at_ms: Date.now(), streams })
  }
}

/** What the lead sends, and what kept it from sending more. */
export async function sentBy(connection: RTCPeerConnection | null): Promise<Record<string, unknown>[]> {
  const report = await connection?.getStats()
  return [...(report?.values() ?? [])]
    .filter((one) => one.type === 'outbound-rtp')
    .map((one) => ({
      kind: one.kind,
      rid: one.rid,
      active: one.active,
      bytes: one.bytesSent,
      height: one.frameHeight,
      fps: one.framesPerSecond,
      codec: report!.get(one.codecId)?.mimeType,
      encoder: one.encoderImplementation,
      limited: one.qualityLimitationReason,
      limited_s: one.qualityLimitationDurations,
      encode_s: one.totalEncodeTime,
      frames: one.framesEncoded,
    }))
}
