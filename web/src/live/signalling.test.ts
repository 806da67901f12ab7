import { describe, expect, it } from 'vitest'
import { retryDelayMs } from './backoff'
import { shortcutOf } from './shortcuts'
import { decodeMessage, encodeMessage, liveAddress } from './signalling'
import { levelOf, SpeakingSigns } from './sound-levels'

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
  const receiver = (audioLevel: number, timestamp: number) =>
    ({ getSynchronizationSources: () => [{ audioLevel, timestamp }] }) as unknown as RTCRtpReceiver

  it('reads a fresh level by either clock and nothing from an old one', () => {
    expect(levelOf(receiver(0.4, 1_000_000), 5_000, 1_000_100)).toBe(0.4)
    expect(levelOf(receiver(0.4, 4_900), 5_000, 1_000_100)).toBe(0.4)
    expect(levelOf(receiver(0.4, 998_000), 5_000, 1_000_000)).toBe(0)
    expect(levelOf(null, 0, 0)).toBe(0)
  })

  it('holds the sign over short silence', () => {
    const signs = new SpeakingSigns()
    signs.hear('r1', 0.2, 1_000)
    signs.hear('r2', 0.001, 1_000)
    expect([...signs.speaking(1_800)]).toEqual(['r1'])
    expect([...signs.speaking(2_000)]).toEqual([])
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
