/** A media element whose source is a growing file: a MediaSource with one SourceBuffer, fed while the element is there. */
import { bufferType } from './growing-bytes'
import { GrowingFeed, type Buffer, type GrowingSource } from './growing-feed'

const LOOK_EVERY_MS = 250

export interface GrowingMedia {
  update(source: GrowingSource): void
  holes(): [number, number][]
  close(): void
}

/** Null where this browser cannot play files while they grow. */
export function playGrowing(media: HTMLMediaElement, source: GrowingSource): GrowingMedia | null {
  if (typeof MediaSource === 'undefined' || !MediaSource.isTypeSupported(bufferType(source))) return null
  const mediaSource = new MediaSource()
  const address = URL.createObjectURL(mediaSource)
  let feed: GrowingFeed | null = null
  let newest = source
  let timer = 0
  mediaSource.addEventListener('sourceopen', () => {
    if (feed) return
    feed = new GrowingFeed(newest, bufferOf(mediaSource, mediaSource.addSourceBuffer(bufferType(source))), () => media.currentTime)
    timer = window.setInterval(() => void feed?.look(), LOOK_EVERY_MS)
    void feed.look()
  })
  media.src = address
  return {
    update(next) {
      newest = next
      feed?.update(next)
    },
    holes: () => feed?.holes() ?? [],
    close() {
      window.clearInterval(timer)
      feed?.close()
      URL.revokeObjectURL(address)
    },
  }
}

function bufferOf(source: MediaSource, buffer: SourceBuffer): Buffer {
  const done = (deed: () => void) => new Promise<void>((resolve, reject) => {
    const settle = () => {
      buffer.removeEventListener('updateend', settle)
      buffer.removeEventListener('error', fail)
      resolve()
    }
    const fail = () => {
      buffer.removeEventListener('updateend', settle)
      reject(new Error('the file cannot be played'))
    }
    buffer.addEventListener('updateend', settle)
    buffer.addEventListener('error', fail, { once: true })
    try {
      deed()
    } catch (error) {
      buffer.removeEventListener('updateend', settle)
      buffer.removeEventListener('error', fail)
      reject(error as Error)
    }
  })
  return {
    ranges: () => Array.from({ length: buffer.buffered.length }, (_, index) => [buffer.buffered.start(index), buffer.buffered.end(index)]),
    append: (bytes) => done(() => buffer.appendBuffer(bytes as Uint8Array<ArrayBuffer>)),
    async clear() {
      if (source.readyState === 'open') buffer.abort()
      if (buffer.buffered.length > 0) await done(() => buffer.remove(0, Infinity))
    },
    end() {
      if (source.readyState === 'open' && !buffer.updating) source.endOfStream()
    },
  }
}
