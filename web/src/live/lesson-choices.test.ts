import { describe, expect, it } from 'vitest'
import { FakeBrowser, settled } from './fake-browser'
import { LessonChoices } from './lesson-choices'
import { LiveClient } from './live-client'

const NONE = { muted: [], handRaised: false, silent: false, pinned: null }

/** The page is loaded in this browser, and its lesson is joined. */
async function opened(browser: FakeBrowser, lessonId = 'l1', role = 'room') {
  const client = new LiveClient(browser.asBrowser(), { address: 'ws://x/api/live', lessonId, expectedRole: role === 'room' ? 'room' : null })
  client.start()
  browser.socket.onopen?.()
  const lesson = { id: lessonId, title: '观潮', kind: 'synchronous', state: 'live' }
  browser.socket.say({ type: 'welcome', connection_id: 'c1', party_id: 'room:r1', role, lesson, may_publish: role === 'room', recording: true, ice: {} })
  await settled()
  return client
}

function said(browser: FakeBrowser, type: string) {
  return browser.socket.sent.filter((message) => message.type === type)
}

describe('a page that is loaded anew in mid-lesson', () => {
  it('keeps a closed microphone closed from its first packet on, and says so', async () => {
    const browser = new FakeBrowser()
    ;(await opened(browser)).setMuted('microphone', true)
    const client = await opened(browser)
    const [sound, picture] = browser.devices.opened.slice(-2)
    expect([sound?.enabled, picture?.enabled]).toEqual([false, true])
    expect(said(browser, 'mute')).toMatchObject([{ source: 'microphone', muted: true }])
    expect(client.state).toMatchObject({ microphone: { muted: true }, camera: { muted: false } })
  })

  it('opens what was opened again before', async () => {
    const browser = new FakeBrowser()
    const before = await opened(browser)
    before.setMuted('camera', true)
    before.setMuted('camera', false)
    await opened(browser)
    expect(browser.devices.opened.slice(-2).every((track) => track.enabled)).toBe(true)
    expect(said(browser, 'mute')).toEqual([])
  })

  it('raises the hand again that was up', async () => {
    const browser = new FakeBrowser()
    ;(await opened(browser)).raiseHand(true)
    await opened(browser)
    expect(said(browser, 'hand')).toMatchObject([{ raised: true }])
    ;(await opened(browser)).raiseHand(false)
    await opened(browser)
    expect(said(browser, 'hand')).toEqual([])
  })

  it('raises a hand that the roster does not know of yet once more when the connection ends before it does', async () => {
    const browser = new FakeBrowser()
    const client = await opened(browser)
    client.raiseHand(true)
    browser.socket.say({ type: 'roster', parties: [{ party_id: 'room:r1', hand_raised: false, muted: [], tracks: [] }], observers: 0, may_publish: true })
    browser.socket.onclose?.({ code: 1012, reason: '' })
    await browser.pass(5_000)
    browser.socket.onopen?.()
    browser.socket.say({ type: 'welcome', connection_id: 'c2', party_id: 'room:r1', role: 'room', may_publish: true, recording: true, ice: {} })
    expect(said(browser, 'hand')).toMatchObject([{ raised: true }])
  })

  it('takes nothing over into another lesson', async () => {
    const browser = new FakeBrowser()
    const before = await opened(browser)
    before.setMuted('microphone', true)
    before.raiseHand(true)
    await opened(browser, 'l2')
    expect(browser.socket.types()).not.toContain('mute')
    expect(browser.socket.types()).not.toContain('hand')
    expect(browser.devices.opened.slice(-2).every((track) => track.enabled)).toBe(true)
  })

  it('asks nothing an observer may not ask', async () => {
    const browser = new FakeBrowser()
    const before = await opened(browser)
    before.setMuted('microphone', true)
    before.raiseHand(true)
    await opened(browser, 'l1', 'observer')
    expect(browser.socket.types()).toEqual(['join'])
  })
})

describe('choices', () => {
  it.each(['', '{', '[]', 'null', '7', '{"lessonId":"l1","muted":"all","handRaised":1,"silent":"yes","pinned":{}}'])('come from nothing where %j is kept', (kept) => {
    const storage = { getItem: () => kept, setItem: () => undefined }
    expect(new LessonChoices(storage, 'l1').present).toEqual(NONE)
  })

  it('hold for this page where nothing may be kept', () => {
    const forbidden = () => {
      throw new Error('SecurityError')
    }
    for (const storage of [undefined, { getItem: forbidden, setItem: forbidden }]) {
      const choices = new LessonChoices(storage, 'l1')
      choices.set({ pinned: 'room:r2|camera', silent: true })
      expect(choices.present).toEqual({ ...NONE, pinned: 'room:r2|camera', silent: true })
    }
  })
})
