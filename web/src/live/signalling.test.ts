import { describe, expect, it } from 'vitest'
import { retryDelayMs } from './backoff'
import { shortcutOf } from './shortcuts'
import { decodeMessage, encodeMessage, liveAddress } from './signalling'
import { levelsOf, SpeakingSigns } from './sound-levels'

describe('messages', () => {
  it.each([['nonsense'], ['null'], ['[]'], ['{"type":1}'], ['{"type":"from_the_future"}'], [new ArrayBuffer(4)]])('ignores %s', (text) => {
    expect(decodeMessage(text)).toBeNull()
  })

  it('carries the version', () => {
    expect(JSON.parse(encodeMessage({ type: 'ping' }))).toEqual({ v: 1, type: 'ping' })
  })

  it('stays on the host and scheme of the page', () => {
    expect(liveAddress({ protocol: 'https:', host: 'school.example' }, 'room')).toBe('wss://school.example/api/live?as=room')
    expect(liveAddress({ protocol: 'http:', host: '127.0.0.1:8000' }, 'user')).toBe('ws://127.0.0.1:8000/api/live?as=user')
  })
})

describe('retryDelayMs', () => {
  it('stays within 0.3 s and 5 s whatever the attempt and chance', () => {
    for (let attempt = 0; attempt < 50; attempt++) {
      for (const random of [0, 0.5, 0.999]) {
        const delay_ms = retryDelayMs(attempt, random)
        expect(delay_ms).toBeGreaterThanOrEqual(300)
        expect(delay_ms).toBeLessThanOrEqual(5000)
      }
    }
  })
})

describe('speaking', () => {
  it('reads the levels of received sound and of nothing else', () => {
    const levels = levelsOf([
      { type: 'inbound-rtp', kind: 'audio', trackIdentifier: 'a', audioLevel: 0.4 },
      { type: 'inbound-rtp', kind: 'video', trackIdentifier: 'v' },
      { type: 'media-source', kind: 'audio', trackIdentifier: 'own', audioLevel: 0.9 },
    ])
    expect([...levels]).toEqual([['a', 0.4]])
  })

  it('holds the sign over short silence', () => {
    const signs = new SpeakingSigns()
    signs.hear('r1', 0.2, 1_000)
    signs.hear('r2', 0.001, 1_000)
    expect([...signs.speaking(1_800)]).toEqual(['r1'])
    expect([...signs.speaking(2_300)]).toEqual([])
  })
})

describe('shortcuts', () => {
  const press = (key: string, more: object = {}) => ({ key, ctrlKey: false, altKey: false, metaKey: false, repeat: false, target: null, ...more })

  it('knows its letters and leaves the rest to the browser', () => {
    expect(['m', 'C', 's', 'h', 'x'].map((key) => shortcutOf(press(key)))).toEqual(['microphone', 'camera', 'screen', 'hand', null])
    expect(shortcutOf(press('c', { ctrlKey: true }))).toBeNull()
    expect(shortcutOf(press('m', { target: { tagName: 'INPUT' } }))).toBeNull()
  })
})
