import { describe, expect, it } from 'vitest'
import { LEAD_PROFILE, ROOM_PROFILE } from './encoding'
import { FakeBrowser, settled } from './fake-browser'
import { LocalMedia } from './local-media'

function opened(trouble: FakeBrowser['devices']['trouble'] = {}) {
  const browser = new FakeBrowser()
  browser.devices.trouble = trouble
  let changes = 0
  const media = new LocalMedia(browser.asBrowser(), () => changes++)
  return { browser, media, changes: () => changes }
}

describe('LocalMedia', () => {
  it('asks once for both, with echo cancelled and the size wished for', async () => {
    const { browser, media } = opened()
    await media.start(LEAD_PROFILE)
    await media.start(LEAD_PROFILE)
    expect(browser.devices.asked).toHaveLength(1)
    expect(browser.devices.asked[0]).toMatchObject({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      video: { width: { ideal: 1280 }, height: { ideal: 720 } },
    })
  })

  it.each([
    [{ camera: 'NotFoundError' }, 'absent', 'on'],
    [{ camera: 'NotAllowedError' }, 'refused', 'on'],
    [{ microphone: 'NotReadableError' }, 'on', 'busy'],
    [{ camera: 'NotFoundError', microphone: 'NotFoundError' }, 'absent', 'absent'],
  ] as const)('goes on with what there is: %o', async (trouble, camera, microphone) => {
    const { media } = opened(trouble)
    await media.start(ROOM_PROFILE)
    expect([media.status.camera.state, media.status.microphone.state]).toEqual([camera, microphone])
  })

  it('opens a camera that is plugged in later', async () => {
    const { browser, media } = opened({ camera: 'NotFoundError' })
    await media.start(ROOM_PROFILE)
    browser.devices.trouble = {}
    browser.devices.dispatchEvent(new Event('devicechange'))
    await settled()
    expect(media.status.camera.state).toBe('on')
  })

  it('keeps trying while another program has the microphone', async () => {
    const { browser, media } = opened({ microphone: 'NotReadableError' })
    await media.start(ROOM_PROFILE)
    await browser.pass(9_000)
    expect(media.status.microphone.state).toBe('busy')
    browser.devices.trouble = {}
    await browser.pass(4_000)
    expect(media.status.microphone.state).toBe('on')
  })

  it('keeps a muted source muted over a lost device', async () => {
    const { browser, media } = opened()
    await media.start(ROOM_PROFILE)
    media.setMuted('microphone', true)
    browser.devices.opened[0]?.unplug()
    await browser.pass(4_000)
    expect(media.status.microphone).toMatchObject({ state: 'on', muted: true, track: { enabled: false } })
  })

  it('remembers the chosen camera and asks for it', async () => {
    const { browser, media } = opened()
    await media.start(ROOM_PROFILE)
    await media.choose('camera', 'cam-2')
    expect(browser.devices.asked.at(-1)).toMatchObject({ video: { deviceId: { ideal: 'cam-2' } } })
    expect(browser.stored.get('three-classrooms.camera')).toBe('cam-2')
  })

  it('gives the devices back and forgets a late answer', async () => {
    const { browser, media } = opened()
    const starting = media.start(ROOM_PROFILE)
    media.stop()
    await starting
    expect(browser.devices.opened.map((track) => track.stopped)).toEqual([true, true])
    expect(media.status.camera.state).toBe('off')
  })
})
