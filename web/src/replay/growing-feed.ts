/**
 * Feeds a growing file into a media element: what is needed around the element's position, by range, and no more.
 * The file has no index: a seek guesses the byte, looks at what time it holds, and goes further back if that was too late.
 */
import { nextFragment, type GrowingFile } from './growing-bytes'

export interface GrowingSource extends GrowingFile {
  media_url: string
  bytes: number
  duration_ms: number
  growing?: boolean
  settled?: boolean
}

/** What the feed needs of a SourceBuffer; ranges in seconds. */
export interface Buffer {
  ranges(): [from_s: number, to_s: number][]
  append(bytes: Uint8Array): Promise<void>
  clear(): Promise<void>
  /** Nothing follows: the last pictures may be shown to their end. */
  end(): void
}

export type ReadRange = (url: string, from: number, to: number) => Promise<Uint8Array>

const CHUNK_BYTES = 512 * 1024
const HEAD_BYTES = 64 * 1024
const AHEAD_S = 20
/** Beyond what is there by more than this, a new place is quicker than reading on. */
const READ_ON_S = 15
const FIRST_STEP_BACK_S = 2
const EDGE_S = 0.1
/** Where a stretch ends of which nobody knows the end: a day. */
const NEVER_MS = 86_400_000
const MUCH_TOO_EARLY_S = 30
const MOST_ATTEMPTS = 12

export class GrowingFeed {
  private head: Uint8Array | null = null
  /** Where in the file what is in the buffer begins, and where to read on. */
  private began = 0
  private next = 0
  /** Seconds whose byte is known, in order. */
  private learned: [second: number, byte: number][] = []
  private busy = false
  private closed = false

  constructor(
    private source: GrowingSource,
    private readonly buffer: Buffer,
    private readonly position_s: () => number,
    private readonly read: ReadRange = readRange,
  ) {}

  /** The file has become longer, and has another address. */
  update(source: GrowingSource): void {
    this.source = source
  }

  close(): void {
    this.closed = true
  }

  /** Stretches (ms of the file) within what was fetched for which there is neither picture nor sound together. */
  holes(): [number, number][] {
    const ranges = this.buffer.ranges()
    const holes = ranges.slice(1).map(([from_s], index): [number, number] => [(ranges[index]?.[1] ?? 0) * 1000, from_s * 1000])
    const last = ranges.at(-1)
    if (last && this.source.settled && this.next >= this.source.bytes) holes.push([last[1] * 1000, NEVER_MS])
    return holes
  }

  /** Fetches what is missing; called a few times a second. What cannot be fetched now is asked for again. */
  async look(): Promise<void> {
    if (this.busy || this.closed) return
    this.busy = true
    try {
      while (await this.step()) if (this.closed) return
    } catch {
      // No network for a moment, an address that was just replaced, or a buffer that is full until playing goes on.
    } finally {
      this.busy = false
    }
  }

  /** True when there is more to do at once. */
  private async step(): Promise<boolean> {
    if (!this.head && !(await this.readHead())) return false
    const at_s = this.position_s()
    const ranges = this.buffer.ranges()
    const from_s = ranges[0]?.[0] ?? 0
    const to_s = ranges.at(-1)?.[1] ?? 0
    const isBefore = ranges.length > 0 ? at_s < from_s - EDGE_S && this.began > this.headBytes : this.next === 0
    if (isBefore || (at_s > to_s + READ_ON_S && this.next < this.source.bytes)) {
      await this.aim(at_s)
      return true
    }
    if (to_s - at_s < AHEAD_S && this.next < this.source.bytes) {
      await this.readOn()
      return true
    }
    if (!this.source.growing && this.next >= this.source.bytes) this.buffer.end()
    return false
  }

  private async readHead(): Promise<boolean> {
    const bytes = await this.read(this.source.media_url, 0, Math.min(HEAD_BYTES, this.source.bytes))
    const first = nextFragment(bytes, this.source.content_type)
    if (first === null) return false
    this.head = bytes.slice(0, first)
    return true
  }

  private async readOn(): Promise<void> {
    const bytes = await this.read(this.source.media_url, this.next, Math.min(this.next + CHUNK_BYTES, this.source.bytes))
    await this.buffer.append(bytes)
    this.next += bytes.length
  }

  /**
   * Begins anew at or before the moment. Too late, it goes further back at each attempt: a picture can only begin at a
   * key frame, and these may be far apart. Much too early, it guesses better by what it has learned.
   */
  private async aim(at_s: number): Promise<void> {
    let back_s = FIRST_STEP_BACK_S
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      await this.beginAt(this.byteAt(at_s - back_s))
      const start_s = await this.firstShown()
      if (start_s !== null) this.learn(start_s, this.began)
      const isInTime = start_s !== null && start_s <= at_s + EDGE_S
      if (this.closed || this.began <= this.headBytes || (isInTime && start_s > at_s - MUCH_TOO_EARLY_S)) break
      if (!isInTime) back_s *= 2
    }
    while ((this.buffer.ranges().at(-1)?.[1] ?? 0) < at_s && this.next < this.source.bytes && !this.closed) await this.readOn()
  }

  /** Between the nearest places known, as if all seconds were equally long. */
  private byteAt(second: number): number {
    const places: [number, number][] = [[0, this.headBytes], ...this.learned, [this.source.duration_ms / 1000, this.source.bytes]]
    const after = Math.max(1, places.findIndex(([known_s]) => known_s > second))
    const [from_s, from] = places[after - 1] ?? [0, 0]
    const [to_s, to] = places[after] ?? [from_s, from]
    const share = to_s > from_s ? (Math.max(0, second) - from_s) / (to_s - from_s) : 0
    return from + Math.floor(Math.min(1, Math.max(0, share)) * Math.max(0, to - from))
  }

  private learn(second: number, byte: number): void {
    if (byte <= this.headBytes) return
    const others = this.learned.filter(([known_s, known]) => (known_s < second && known < byte) || (known_s > second && known > byte))
    this.learned = [...others, [second, byte] as [number, number]].sort((a, b) => a[1] - b[1])
  }

  private get headBytes(): number {
    return this.head?.length ?? 0
  }

  /** Puts the file's head and its first fragment from this byte on into the empty buffer. */
  private async beginAt(byte: number): Promise<void> {
    const bytes = await this.read(this.source.media_url, byte, Math.min(byte + CHUNK_BYTES, this.source.bytes))
    const first = nextFragment(bytes, this.source.content_type)
    await this.buffer.clear()
    await this.buffer.append(this.head ?? new Uint8Array())
    this.began = this.next = first === null ? this.headBytes : byte + first
    if (first === null) return
    await this.buffer.append(bytes.subarray(first))
    this.next = byte + bytes.length
  }

  /** Reads on until there is something to show, and tells from when on; null if there is nothing. */
  private async firstShown(): Promise<number | null> {
    while (this.buffer.ranges().length === 0 && this.next < this.source.bytes && !this.closed) await this.readOn()
    return this.buffer.ranges()[0]?.[0] ?? null
  }
}

async function readRange(url: string, from: number, to: number): Promise<Uint8Array> {
  const response = await fetch(url, { credentials: 'same-origin', headers: { Range: `bytes=${from}-${to - 1}` } })
  if (response.status !== 206) throw new Error(`the file was answered with ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
