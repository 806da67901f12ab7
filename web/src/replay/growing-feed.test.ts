import { describe, expect, it } from 'vitest'
import { bufferType, nextFragment } from './growing-bytes'
import { GrowingFeed, type Buffer, type GrowingSource } from './growing-feed'

/** A file in fragments of a second, each with its number and whether a picture can begin with it. */
function fileOf(seconds: number, keyEvery: number, size: (second: number) => number): Uint8Array {
  const parts = [new Uint8Array(300).fill(7)]
  for (let second = 0; second < seconds; second++) {
    const fragment = new Uint8Array(Math.max(32, size(second))).fill(9)
    const view = new DataView(fragment.buffer)
    view.setUint32(0, fragment.length)
    fragment.set(new TextEncoder().encode('moof....mfhd'), 4)
    view.setUint32(16, second)
    fragment[20] = second % keyEvery === 0 ? 1 : 0
    parts.push(fragment)
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Understands such files as a browser does: nothing is shown before the head and a picture that can begin. */
class FakeBuffer implements Buffer {
  shown: [number, number][] = []
  ended = false
  clears = 0
  private rest = new Uint8Array()

  ranges() {
    return this.shown
  }
  append(bytes: Uint8Array): Promise<void> {
    const whole = new Uint8Array(this.rest.length + bytes.length)
    whole.set(this.rest)
    whole.set(bytes, this.rest.length)
    let at = nextFragment(whole, 'video/mp4') ?? whole.length
    while (at + 21 <= whole.length) {
      const view = new DataView(whole.buffer, at)
      if (at + view.getUint32(0) > whole.length) break
      this.show(view.getUint32(16), view.getUint8(20) === 1)
      at += view.getUint32(0)
    }
    this.rest = whole.slice(at)
    return Promise.resolve()
  }
  clear(): Promise<void> {
    this.shown = []
    this.rest = new Uint8Array()
    this.clears++
    return Promise.resolve()
  }
  end(): void {
    this.ended = true
  }
  private show(second: number, isKey: boolean): void {
    const last = this.shown.at(-1)
    if (last?.[1] === second) last[1] = second + 1
    else if (isKey) this.shown.push([second, second + 1])
  }
}

class Bench {
  readonly buffer = new FakeBuffer()
  readonly reads: [number, number][] = []
  readonly feed: GrowingFeed
  position_s = 0
  failing = false
  readonly source: GrowingSource
  constructor(private file: Uint8Array, seconds: number, growing = true) {
    this.source = { content_type: 'video/mp4', has_picture: true, media_url: '/file', bytes: file.length, duration_ms: seconds * 1000, growing }
    this.feed = new GrowingFeed(this.source, this.buffer, () => this.position_s, (_url, from, to) => {
      if (this.failing) return Promise.reject(new Error('away'))
      this.reads.push([from, to])
      return Promise.resolve(this.file.slice(from, to))
    })
  }
  grow(file: Uint8Array, seconds: number): void {
    this.file = file
    this.feed.update({ ...this.source, bytes: file.length, duration_ms: seconds * 1000 })
  }
  holds(second: number): boolean {
    return this.buffer.shown.some(([from_s, to_s]) => second >= from_s && second < to_s)
  }
  get read_bytes(): number {
    return this.reads.reduce((sum, [from, to]) => sum + to - from, 0)
  }
}

const EVEN = () => 100_000

describe('the feed of a growing file', () => {
  it('begins at the position, far into the lesson, without fetching what lies before', async () => {
    const bench = new Bench(fileOf(600, 1, EVEN), 600)
    bench.position_s = 590
    await bench.feed.look()
    expect(bench.holds(590)).toBe(true)
    expect(bench.read_bytes).toBeLessThan(4_000_000)
  })

  it('reads on as the file grows, and is a little ahead of the position', async () => {
    const bench = new Bench(fileOf(10, 1, EVEN), 10)
    await bench.feed.look()
    expect(bench.buffer.shown).toEqual([[0, 10]])
    bench.grow(fileOf(60, 1, EVEN), 60)
    bench.position_s = 8
    await bench.feed.look()
    const [[from_s, to_s] = [0, 0]] = bench.buffer.shown
    expect(from_s).toBe(0)
    expect(to_s).toBeGreaterThanOrEqual(28)
    expect(to_s).toBeLessThan(40)
    expect(bench.buffer.clears).toBe(1)
  })

  it.each([['even', () => 40_000], ['thin at first', (second: number) => (second < 300 ? 2_000 : 50_000)], ['thick at first', (second: number) => (second < 300 ? 50_000 : 2_000)]])(
    'finds any moment of a file whose seconds are %s, with pictures that begin far apart', async (_name, size) => {
      const bench = new Bench(fileOf(600, 40, size), 600)
      for (const second of [10, 299, 305, 590, 45, 0]) {
        bench.position_s = second
        await bench.feed.look()
        expect(bench.holds(second), String(second)).toBe(true)
      }
    })

  it('tells breaks, and that nothing follows once the file has ended', async () => {
    const broken = [...fileOf(5, 1, () => 1000)]
    const later = fileOf(12, 1, () => 1000).slice(300 + 8 * 1000)
    const bench = new Bench(new Uint8Array([...broken, ...later]), 12, false)
    await bench.feed.look()
    expect(bench.feed.holes()).toEqual([[5_000, 8_000]])
    expect(bench.buffer.ended).toBe(true)
  })

  it('says that nothing lies beyond its end once the file has settled, and only then', async () => {
    const bench = new Bench(fileOf(5, 1, () => 1000), 6)
    await bench.feed.look()
    expect(bench.feed.holes()).toEqual([])
    bench.feed.update({ ...bench.source, settled: true })
    expect(bench.feed.holes()).toEqual([[5_000, 86_400_000]])
  })

  it('asks again after the network was away', async () => {
    const bench = new Bench(fileOf(10, 1, EVEN), 10)
    bench.failing = true
    await bench.feed.look()
    expect(bench.buffer.shown).toEqual([])
    bench.failing = false
    await bench.feed.look()
    expect(bench.holds(0)).toBe(true)
  })
})

describe('the bytes of a growing file', () => {
  it('are told by their kind', () => {
    expect(bufferType({ content_type: 'video/webm', has_picture: true })).toBe('video/webm; codecs="vp8,opus"')
    expect(bufferType({ content_type: 'audio/webm', has_picture: false })).toBe('audio/webm; codecs="opus"')
  })

  it('begin at clusters whose first element is the time, not at bytes that look alike by chance', () => {
    const bytes = new Uint8Array([1, 0x1f, 0x43, 0xb6, 0x75, 0xff, 0x00, 0x1f, 0x43, 0xb6, 0x75, 0x01, 255, 255, 255, 255, 255, 255, 255, 0xe7, 0x81])
    expect(nextFragment(bytes, 'video/webm')).toBe(7)
    expect(nextFragment(bytes, 'video/webm', 8)).toBeNull()
  })
})
