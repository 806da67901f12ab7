import { describe, expect, it } from 'vitest'
import { FrameLength, USUAL_FRAME_MS } from './frame-length'
import { isWatched, PlayedParts, WatchReporter, type Part } from './watched'

describe('played parts', () => {
  it('grow while playing and begin anew after a jump', () => {
    const played = new PlayedParts()
    for (let at = 0; at <= 1_000; at += 100) played.look(at, true)
    played.look(60_000, true)
    played.look(60_200, true)
    played.look(60_400, false)
    played.look(90_000, false)
    played.look(90_100, true)
    expect(played.drain()).toEqual([[0, 1_000], [60_000, 60_400]])
    expect(played.drain()).toEqual([])
  })

  it('hold nothing that was played backwards or not at all', () => {
    const played = new PlayedParts()
    played.look(5_000, true)
    played.look(4_000, true)
    played.look(4_000, true)
    expect(played.drain()).toEqual([])
  })
})

describe('what is watched', () => {
  it('plays, has something to play, and is in a tab that can be seen', () => {
    const seen = { visibilityState: 'visible' } as const
    expect(isWatched({ playing: true, waiting: false }, seen)).toBe(true)
    expect(isWatched({ playing: true, waiting: true }, seen)).toBe(false)
    expect(isWatched({ playing: false, waiting: false }, seen)).toBe(false)
    expect(isWatched({ playing: true, waiting: false }, { visibilityState: 'hidden' })).toBe(false)
  })
})

describe('the reporter', () => {
  const tick = () => new Promise((resolve) => setTimeout(resolve, 0))

  it('says when playing begins, reports every quarter of a minute and when playing stops', async () => {
    const sent: Part[][] = []
    const reporter = new WatchReporter((parts) => Promise.resolve(sent.push(parts)))
    for (let at = 0; at <= 20_000; at += 100) {
      reporter.look(at, true, at)
      if (at % 5_000 === 0) await tick()
    }
    reporter.look(20_000, false, 20_100)
    await tick()
    expect(sent).toEqual([[], [[0, 15_000]], [[15_000, 20_000]]])
  })

  it('sends what failed again with the next report, and the rest when the page goes', async () => {
    const sent: Part[][] = []
    let failing = true
    const reporter = new WatchReporter((parts) => {
      sent.push(parts)
      return failing ? Promise.reject(new Error('away')) : Promise.resolve()
    })
    for (let at = 0; at <= 15_000; at += 500) reporter.look(at, true, at)
    await tick()
    failing = false
    for (let at = 15_500; at <= 16_000; at += 500) reporter.look(at, true, at)
    reporter.leave(16_000)
    await tick()
    expect(sent.slice(1)).toEqual([[[0, 15_000]], [[0, 16_000]]])
  })
})

describe('the length of a picture', () => {
  it('is the median of what was shown, and the usual one before that', () => {
    const length = new FrameLength()
    expect(length.frame_ms).toBe(USUAL_FRAME_MS)
    for (const at of [0, 40, 80, 5_000, 5_040, 5_080, 5_160]) length.shown(at)
    expect(length.frame_ms).toBe(40)
  })
})
