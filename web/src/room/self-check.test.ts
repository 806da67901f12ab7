import { describe, expect, it } from 'vitest'
import en from './messages.en'
import zh from './messages.zh-CN'
import { checkRoom, SLOW_NETWORK_MS, type CheckParts } from './self-check'
import { clockText, countdownTo } from './times'

function parts(more: Partial<CheckParts> = {}): CheckParts & { stopped: number } {
  const made = {
    stopped: 0,
    mediaDevices: {
      getUserMedia: () =>
        Promise.resolve({ getTracks: () => [{ readyState: 'live', stop: () => made.stopped++ }] } as unknown as MediaStream),
    },
    storage: undefined,
    nowMs: () => 0,
    ping: () => Promise.resolve(),
    ...more,
  }
  return made
}

describe('checkRoom', () => {
  it('finds all in order and gives the devices back', async () => {
    const good = parts()
    const check = await checkRoom(good)
    expect([check.camera.result, check.microphone.result, check.network.result]).toEqual(['good', 'good', 'good'])
    expect(good.stopped).toBe(2)
  })

  it('names what is wrong with each device', async () => {
    const getUserMedia = (constraints?: MediaStreamConstraints) => {
      const error = new Error('no')
      error.name = constraints?.video ? 'NotFoundError' : 'NotAllowedError'
      return Promise.reject(error)
    }
    const check = await checkRoom(parts({ mediaDevices: { getUserMedia } }))
    expect([check.camera.state, check.microphone.state]).toEqual(['absent', 'refused'])
  })

  it('tells a slow network from none', async () => {
    let now_ms = 0
    const slow = await checkRoom(parts({ nowMs: () => (now_ms += SLOW_NETWORK_MS + 1) }))
    expect(slow.network).toEqual({ result: 'bad', roundTrip_ms: SLOW_NETWORK_MS + 1 })
    const none = await checkRoom(parts({ ping: () => Promise.reject(new Error('down')) }))
    expect(none.network).toEqual({ result: 'bad', roundTrip_ms: null })
  })
})

describe('times', () => {
  it('shows the deployment zone, whatever the computer thinks', () => {
    expect(clockText(Date.parse('2026-01-01T16:05:00Z'), 'zh-CN', 'Asia/Shanghai')).toBe('00:05')
  })

  it('counts down to the second and never below zero', () => {
    expect(countdownTo(90_061_000, 0)).toEqual({ days: 1, hours: 1, minutes: 1, seconds: 1 })
    expect(countdownTo(0, 5_000)).toEqual({ days: 0, hours: 0, minutes: 0, seconds: 0 })
  })
})

describe('words of the room page', () => {
  const keysOf = (value: object, prefix = ''): string[] =>
    Object.entries(value).flatMap(([key, inner]) => (typeof inner === 'object' ? keysOf(inner as object, `${prefix}${key}.`) : [prefix + key]))
  it('are the same in both languages', () => {
    expect(keysOf(en)).toEqual(keysOf(zh))
  })
})
