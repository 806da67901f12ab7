import { describe, expect, it } from 'vitest'
import { FakeBrowser, settled, type FakePeerConnection, type FakeSocket } from './fake-browser'
import { LiveClient } from './live-client'

const WELCOME = {
  type: 'welcome',
  connection_id: 'c1',
  party_id: 'room:r1',
  role: 'room',
  lesson: { id: 'l1', title: '观潮', kind: 'synchronous', state: 'live' },
  may_publish: true,
  recording: true,
}
const ROSTER = { type: 'roster', parties: [{ party_id: 'room:r2', name: '二号', tracks: [] }], observers: 2, may_publish: true }
const TRACKS = [
  { mid: 'v0', track_id: 't0', party_id: 'room:r2', source: 'camera', kind: 'video' },
  { mid: 'a1', track_id: 't1', party_id: 'room:r2', source: 'microphone', kind: 'audio' },
]
const FLOWING = [
  { type: 'inbound-rtp', trackIdentifier: 'v0', framesDecoded: 3 },
  { type: 'inbound-rtp', trackIdentifier: 'a1', packetsReceived: 9 },
]

function arrive(socket: FakeSocket): void {
  socket.onopen?.()
  socket.say(WELCOME)
  socket.say(ROSTER)
  socket.say({ type: 'subscribe', id: 1, sdp: 'mids:v0,a1', tracks: TRACKS })
}

/** In a lesson whose media flows, and told that it goes to another relay. */
async function moving() {
  const browser = new FakeBrowser()
  const client = new LiveClient(browser.asBrowser(), { address: 'ws://x', lessonId: 'l1' })
  client.start()
  const left = browser.socket
  arrive(left)
  await settled()
  const [receiving] = browser.connections as [FakePeerConnection]
  receiving.stats = FLOWING
  const stream = client.state.feeds[0]?.stream
  const before = stream?.getTracks()
  left.say({ type: 'move' })
  await settled()
  return { browser, client, left, stream, before, next: browser.socket, receivers: () => browser.connections.slice(2) }
}

describe('a lesson that moves to another relay', () => {
  it('is joined there beside the connection that carries it, and published over both', async () => {
    const { browser, client, left, next, stream, before } = await moving()
    expect(browser.sockets).toHaveLength(2)
    arrive(next)
    await browser.pass(2_000)
    expect(next.types()).toEqual(expect.arrayContaining(['join', 'publish', 'subscribed']))
    expect(left.types()).not.toContain('moved')
    expect(client.state.phase).toBe('live')
    expect(stream?.getTracks()).toEqual(before)
    expect(browser.connections.some((connection) => connection.closed)).toBe(false)
  })

  it('is taken from there once all of it flows, and left without closing anything others may need', async () => {
    const { browser, client, left, next, stream, before, receivers } = await moving()
    arrive(next)
    await browser.pass(200)
    const [arriving] = receivers()
    if (arriving) arriving.stats = FLOWING
    await browser.pass(100)
    expect(left.types().filter((type) => type === 'moved')).toHaveLength(1)
    expect(client.state.feeds[0]?.stream).toBe(stream)
    expect(stream?.getTracks().some((track) => before?.includes(track))).toBe(false)
    expect(stream?.getTracks()).toHaveLength(2)
    expect(client.state).toMatchObject({ phase: 'live', observers: 2 })
    expect(left.closed).toBe(false)
    client.raiseHand(true)
    expect(next.types().at(-1)).toBe('hand')
    left.onclose?.({ code: 4003, reason: 'media_lost' })
    await browser.pass(1_000)
    expect([client.state.phase, browser.sockets.length]).toEqual(['live', 2])
  })

  it('is tried again while the old relay carries it', async () => {
    const { browser, next } = await moving()
    next.onclose?.({ code: 4003, reason: 'media_lost' })
    await browser.pass(400)
    expect(browser.sockets).toHaveLength(3)
  })

  it('is taken as it is when the old relay waits no longer', async () => {
    const { browser, client, left, next } = await moving()
    arrive(next)
    await settled()
    left.onclose?.({ code: 4003, reason: 'media_lost' })
    await settled()
    expect(client.state.phase).toBe('live')
    expect(client.state.feeds).toHaveLength(1)
    await browser.pass(1_000)
    expect(browser.sockets).toHaveLength(2)
  })

  it('ends for good with the page', async () => {
    const { browser, client, left, next } = await moving()
    client.leave()
    await browser.pass(20_000)
    expect([left.closed, next.closed, browser.sockets.length]).toEqual([true, true, 2])
  })
})
