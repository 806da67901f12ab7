import { describe, expect, it } from 'vitest'
import { FakeBrowser, FakeTrack, settled, type FakePeerConnection } from './fake-browser'
import { LiveClient } from './live-client'
import type { PartyRole } from './signalling'

const WELCOME = {
  type: 'welcome',
  connection_id: 'c1',
  party_id: 'room:r1',
  role: 'room',
  lesson: { id: 'l1', title: '观潮', kind: 'synchronous', state: 'live' },
  may_publish: true,
  recording: true,
  ice: {} as { ice_servers?: RTCIceServer[] },
}

async function joined(welcome: Partial<typeof WELCOME> = {}, expectedRole: PartyRole | null = null) {
  const browser = new FakeBrowser()
  const client = new LiveClient(browser.asBrowser(), { address: 'ws://x/api/live', lessonId: 'l1', expectedRole })
  client.start()
  browser.socket.onopen?.()
  browser.socket.say({ ...WELCOME, ...welcome })
  await settled()
  return { browser, client }
}

function publishes(browser: FakeBrowser) {
  return browser.socket.sent.filter((message) => message.type === 'publish') as unknown as {
    id: number
    tracks: { mid: string; source: string }[]
  }[]
}

describe('joining', () => {
  it('joins at once and publishes sound and picture when it may', async () => {
    const { browser, client } = await joined()
    expect(browser.socket.sent[0]).toEqual({ v: 1, type: 'join', lesson_id: 'l1' })
    expect(publishes(browser)).toMatchObject([{ tracks: [{ mid: '0', source: 'microphone' }, { mid: '1', source: 'camera' }] }])
    expect(client.state).toMatchObject({ phase: 'live', recording: { active: true }, camera: { state: 'on' } })
  })

  it('publishes anew over another connection when somebody cannot decode what it sends', async () => {
    const { browser } = await joined()
    const [, former] = browser.connections
    browser.socket.say({ type: 'republish' })
    await settled()
    expect(former?.closed).toBe(true)
    expect(browser.connections).toHaveLength(3)
    expect(publishes(browser)).toHaveLength(2)
    expect(publishes(browser)[1]).toMatchObject({ tracks: [{ source: 'microphone' }, { source: 'camera' }] })
  })

  it('gives both peer connections the TURN server it is welcomed with', async () => {
    const turn = { urls: ['turns:turn.example.cn:443?transport=tcp'], username: '1:c1', credential: 'signed' }
    const { browser } = await joined({ ice: { ice_servers: [turn] } })
    expect(browser.connections.map((connection) => connection.configuration.iceServers)).toEqual([[turn], [turn]])
  })

  it('opens the devices before the welcome when the role is expected', () => {
    const browser = new FakeBrowser()
    new LiveClient(browser.asBrowser(), { address: 'ws://x', lessonId: 'l1', expectedRole: 'lead' }).start()
    expect(browser.devices.asked).toHaveLength(1)
    expect(browser.socket.sent).toEqual([])
  })

  it('receives before its devices are ready', async () => {
    const browser = new FakeBrowser()
    browser.devices.getUserMedia = () => new Promise(() => undefined)
    const client = new LiveClient(browser.asBrowser(), { address: 'ws://x', lessonId: 'l1' })
    client.start()
    browser.socket.onopen?.()
    browser.socket.say(WELCOME)
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:v0', tracks: [offered('v0', 'room:r2', 'camera')] })
    await settled()
    expect(browser.socket.types()).toEqual(['join', 'subscribed'])
    expect(client.state.feeds).toMatchObject([{ party_id: 'room:r2', hasPicture: true }])
  })

  it('touches no device as an observer', async () => {
    const { browser } = await joined({ role: 'observer', may_publish: false })
    expect(browser.devices.asked).toEqual([])
    expect(browser.socket.types()).toEqual(['join'])
  })

  it('says why it may not join and does not try again', async () => {
    const browser = new FakeBrowser()
    const client = new LiveClient(browser.asBrowser(), { address: 'ws://x', lessonId: 'l1' })
    client.start()
    browser.socket.say({ type: 'error', code: 'not_allowed', message: 'no', about: 'join' })
    await browser.pass(60_000)
    expect(client.state).toMatchObject({ phase: 'refused', reason: 'not_allowed' })
    expect(browser.sockets).toHaveLength(1)
  })
})

function offered(mid: string, party_id: string, source: string) {
  const kind = source === 'microphone' || source === 'screen_audio' ? 'audio' : 'video'
  return { mid, track_id: `t-${mid}`, party_id, source, kind }
}

describe('receiving', () => {
  it('keeps camera and microphone of a party in one stream, the screen in another', async () => {
    const { browser, client } = await joined()
    const tracks = [offered('v0', 'room:r2', 'camera'), offered('a1', 'room:r2', 'microphone'), offered('v2', 'room:r2', 'screen')]
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:v0,a1,v2', tracks })
    await settled()
    expect(client.state.feeds.map((f) => [f.group, f.hasPicture, f.hasSound, f.stream.getTracks().length])).toEqual([
      ['camera', true, true, 2],
      ['screen', true, false, 1],
    ])
    expect(browser.socket.sent.at(-1)).toMatchObject({ type: 'subscribed', id: 1 })
  })

  it('answers offers one at a time and in order, and drops what is not offered any more', async () => {
    const { browser, client } = await joined()
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:v0,v1', tracks: [offered('v0', 'room:r2', 'camera'), offered('v1', 'room:r3', 'camera')] })
    browser.socket.say({ type: 'subscribe', id: 2, sdp: 'mids:v0,v1', tracks: [offered('v1', 'room:r3', 'camera')] })
    await settled()
    expect(browser.socket.sent.filter((m) => m.type === 'subscribed').map((m) => m.id)).toEqual([1, 2])
    expect(client.state.feeds.map((feed) => feed.party_id)).toEqual(['room:r3'])
  })

  it('keeps a party stream over a reconnect, so that its element does not flash', async () => {
    const { browser, client } = await joined()
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:v0', tracks: [offered('v0', 'room:r2', 'camera')] })
    await settled()
    const before = client.state.feeds[0]?.stream
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(300)
    browser.socket.say(WELCOME)
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:v0', tracks: [offered('v0', 'room:r2', 'camera')] })
    await settled()
    expect(client.state.feeds[0]?.stream).toBe(before)
    expect(before?.getTracks()).toHaveLength(1)
  })
})

describe('what is left of a lost connection', () => {
  const party = (party_id: string, tracks: object[]) => ({ party_id, name: '', school: '', role: 'room', connected: true, muted: [], tracks })

  it('is shown until the roster says that nobody publishes it any more', async () => {
    const { browser, client } = await joined()
    const tracks = [offered('v0', 'room:r2', 'camera'), offered('v1', 'room:r3', 'camera')]
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:v0,v1', tracks })
    await settled()
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(300)
    expect(client.state.feeds).toHaveLength(2)
    browser.socket.say(WELCOME)
    const roster = [party('room:r2', [{ track_id: 'n', source: 'camera', kind: 'video' }]), party('room:r3', [])]
    browser.socket.say({ type: 'roster', parties: roster, observers: 0, may_publish: true })
    expect(client.state.feeds.map((feed) => feed.party_id)).toEqual(['room:r2'])
  })

  it('does not let a roster that is behind take away what was just offered', async () => {
    const { browser, client } = await joined()
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:v0', tracks: [offered('v0', 'room:r2', 'camera')] })
    await settled()
    browser.socket.say({ type: 'roster', parties: [], observers: 0, may_publish: true })
    expect(client.state.feeds).toHaveLength(1)
  })
})

describe('publishing', () => {
  it('adds the shared screen with a new offer and takes it away with another', async () => {
    const { browser, client } = await joined({ role: 'lead' })
    browser.socket.say({ type: 'published', id: 1, sdp: 'ok' })
    await client.shareScreen()
    await settled()
    expect(publishes(browser).at(-1)?.tracks.map((track) => track.source)).toEqual(['microphone', 'camera', 'screen'])
    browser.socket.say({ type: 'published', id: 2, sdp: 'ok' })
    client.stopSharing()
    await settled()
    expect(publishes(browser).at(-1)).toMatchObject({ id: 3, tracks: [{ source: 'microphone' }, { source: 'camera' }] })
    expect(client.state.sharing).toBeNull()
  })

  it('never has two offers outstanding', async () => {
    const { browser, client } = await joined({ role: 'lead' })
    await client.shareScreen()
    await settled()
    expect(publishes(browser)).toHaveLength(1)
    browser.socket.say({ type: 'published', id: 1, sdp: 'ok' })
    await settled()
    expect(publishes(browser)).toHaveLength(2)
  })

  async function cameraOf(role: PartyRole, codec = 'video/VP8') {
    const { browser, client } = await joined({ role })
    const publishing = browser.connections[1] as FakePeerConnection
    publishing.codec = codec
    browser.socket.say({ type: 'published', id: 1, sdp: 'answer' })
    await settled()
    const camera = () => publishing.getTransceivers()[1]?.encodings ?? []
    return { browser, client, publishing, camera, active: () => camera().map((one) => one.active ?? true) }
  }

  it("sends the lead's camera in two layers and a room's in one", async () => {
    const lead = await cameraOf('lead')
    expect(lead.camera()).toMatchObject([
      { rid: 'l', maxBitrate: 350_000, scaleResolutionDownBy: 2 },
      { rid: 'h', maxBitrate: 1_500_000, scaleResolutionDownBy: 1 },
    ])
    const room = await cameraOf('room')
    expect(room.camera().map((one) => one.maxBitrate)).toEqual([300_000])
    expect(room.camera()[0]?.rid).toBeUndefined()
  })

  it('says that a frame rate can be lowered on the way, and does not ask it of another codec than VP8', async () => {
    const vp8 = await cameraOf('room')
    expect(vp8.browser.socket.sent.at(-1)).toMatchObject({ tracks: [{ source: 'microphone' }, { source: 'camera', temporal_layers: 2 }] })
    expect(vp8.camera()[0]).toHaveProperty('scalabilityMode', 'L1T2')
    expect((await cameraOf('room', 'video/H264')).camera()[0]).not.toHaveProperty('scalabilityMode')
  })

  it('sends only what somebody is sent', async () => {
    const { browser, active, camera } = await cameraOf('lead')
    const seen: boolean[][] = [active()]
    for (const layers of [1, 0, 2]) {
      browser.socket.say({ type: 'wanted', source: 'camera', layers })
      await settled()
      seen.push(active())
      if (layers === 1) expect(camera()[0]?.maxBitrate).toBe(900_000)
    }
    expect(seen).toEqual([[true, true], [true, false], [false, false], [true, true]])
    expect(camera()[0]?.maxBitrate).toBe(350_000)
  })

  it('lets the lowest layer take what the relay says the lines that get no more can carry', async () => {
    const { browser, camera } = await cameraOf('lead')
    const seen: (number | undefined)[] = []
    for (const kbps of [520, 150, 5_000, undefined]) {
      browser.socket.say({ type: 'wanted', source: 'camera', layers: 2, ...(kbps ? { kbps } : {}) })
      await settled()
      seen.push(camera()[0]?.maxBitrate)
      expect(camera()[1]?.maxBitrate).toBe(1_500_000)
    }
    expect(seen).toEqual([520_000, 150_000, 900_000, 350_000])
    const room = await cameraOf('room')
    room.browser.socket.say({ type: 'wanted', source: 'camera', layers: 1, kbps: 900 })
    await settled()
    expect(room.camera()[0]?.maxBitrate).toBe(300_000)
  })

  it('keeps to one layer while its own line is weak, and says so', async () => {
    const { browser, client, publishing, active } = await cameraOf('lead')
    publishing.stats = [{ type: 'candidate-pair', nominated: true, availableOutgoingBitrate: 400_000 }]
    await browser.pass(8_000)
    expect(active()).toEqual([true, false])
    expect(client.state.uplinkWeak).toBe(true)
    publishing.stats = [{ type: 'candidate-pair', nominated: true, availableOutgoingBitrate: 4_000_000 }]
    await browser.pass(30_000)
    expect(active()).toEqual([true, true])
    expect(client.state.uplinkWeak).toBe(false)
  })

  it('shows how the line does and what is lowered, and forgets it with the connection', async () => {
    const { browser, client } = await joined()
    const tracks = [{ track_id: 't1', state: 'paused' }]
    browser.socket.say({ type: 'line', reason: 'line', kbps: 300, loss_pct: 2, queue_ms: 40, tracks })
    expect(client.state.line).toEqual({ reason: 'line', kbps: 300, pictures: { t1: 'paused' } })
    browser.socket.onclose?.({ code: 1006, reason: '' })
    expect(client.state.line.reason).toBe('none')
  })

  it('lets all that is received wait for repairs as long as the relay says, what comes later too', async () => {
    const { browser } = await joined()
    const receiving = browser.connections[0] as FakePeerConnection
    const waits = () => receiving.getTransceivers().map(({ receiver }) => receiver.jitterBufferTarget)
    const say = (wait_ms?: number) => browser.socket.say({ type: 'line', reason: 'none', kbps: 3000, loss_pct: 6, queue_ms: 0, tracks: [], ...(wait_ms === undefined ? {} : { wait_ms }) })
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:a0,v1', tracks: [] })
    await settled()
    expect(waits()).toEqual([null, null])
    say(240)
    expect(waits()).toEqual([240, 240])
    browser.socket.say({ type: 'subscribe', id: 2, sdp: 'mids:a0,v1,v2', tracks: [] })
    await settled()
    expect(waits()).toEqual([240, 240, 240])
    say(0)
    expect(waits()).toEqual([null, null, null])
    say(180)
    say()
    expect(waits()).toEqual([null, null, null])
  })

  it('leaves the waiting of an older browser as it is', async () => {
    const { browser } = await joined()
    const receiving = browser.connections[0] as FakePeerConnection
    receiving.olderBrowser = true
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:a0,v1', tracks: [] })
    await settled()
    browser.socket.say({ type: 'line', reason: 'none', kbps: 3000, loss_pct: 6, queue_ms: 0, tracks: [], wait_ms: 240 })
    expect(receiving.getTransceivers().every(({ receiver }) => !('jitterBufferTarget' in receiver))).toBe(true)
  })

  it('puts a returned camera in its old place without asking the relay', async () => {
    const { browser, client } = await joined()
    browser.socket.say({ type: 'published', id: 1, sdp: 'ok' })
    const camera = browser.devices.opened.find((track) => track.kind === 'video')
    camera?.unplug()
    await settled()
    expect(client.state.camera.state).toBe('lost')
    await browser.pass(4_000)
    expect(client.state.camera.state).toBe('on')
    expect(browser.connections[1]?.getTransceivers()[1]?.sender.track).toBe(browser.devices.opened.at(-1))
    expect(publishes(browser)).toHaveLength(1)
  })

  it('starts when brought on stage and gives the devices back when taken off', async () => {
    const { browser } = await joined({ may_publish: false })
    expect(browser.devices.asked).toEqual([])
    browser.socket.say({ type: 'roster', parties: [], observers: 0, may_publish: true })
    await settled()
    expect(publishes(browser)).toHaveLength(1)
    browser.socket.say({ type: 'roster', parties: [], observers: 0, may_publish: false })
    await settled()
    expect(browser.devices.opened.every((track) => track.stopped)).toBe(true)
    expect(browser.connections[1]?.closed).toBe(true)
  })

  it('only watches when there is no device at all', async () => {
    const browser = new FakeBrowser()
    browser.devices.trouble = { camera: 'NotFoundError', microphone: 'NotFoundError' }
    const client = new LiveClient(browser.asBrowser(), { address: 'ws://x', lessonId: 'l1' })
    client.start()
    browser.socket.say(WELCOME)
    await settled()
    expect(publishes(browser)).toEqual([])
    expect(client.state).toMatchObject({ phase: 'live', camera: { state: 'absent' }, microphone: { state: 'absent' } })
  })
})

describe('coming back', () => {
  it('makes socket and both peer connections anew after a loss, waiting longer each time', async () => {
    const { browser } = await joined()
    const waits: number[] = []
    for (let attempt = 0; attempt < 7; attempt++) {
      browser.socket.onclose?.({ code: 1006, reason: '' })
      const before = browser.sockets.length
      let waited = 0
      while (browser.sockets.length === before) {
        await browser.pass(100)
        waited += 100
      }
      waits.push(waited)
    }
    expect(waits).toEqual([300, 600, 1200, 2400, 4800, 5000, 5000])
    expect(browser.connections.slice(0, 2).every((connection) => connection.closed)).toBe(true)
  })

  it('starts with the shortest delay again after a join that held', async () => {
    const { browser } = await joined()
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(300)
    browser.socket.say(WELCOME)
    await browser.pass(6_000)
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(300)
    expect(browser.sockets).toHaveLength(3)
  })

  it('does not wait once the network is back', async () => {
    const { browser } = await joined()
    browser.socket.onclose?.({ code: 1006, reason: '' })
    browser.comeOnline()
    expect(browser.sockets).toHaveLength(2)
    await browser.pass(1_000)
    expect(browser.sockets).toHaveLength(2)
  })

  it('tries again soon where nobody answers, and at once when the network is back', async () => {
    const { browser } = await joined()
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(300)
    for (const patience_ms of [2_000, 2_000, 2_000, 2_000, 6_000]) {
      const before = browser.sockets.length
      await browser.pass(patience_ms - 1)
      expect(browser.sockets).toHaveLength(before)
      await browser.pass(1)
      expect(browser.sockets).toHaveLength(before + 1)
    }
    const before = browser.sockets.length
    browser.comeOnline()
    expect(browser.sockets).toHaveLength(before + 1)
  })

  it('takes 25 s of silence for death, but not while the server answers', async () => {
    const { browser } = await joined()
    await browser.pass(20_000)
    browser.socket.say({ type: 'pong' })
    await browser.pass(20_000)
    expect(browser.sockets).toHaveLength(1)
    await browser.pass(11_000)
    expect(browser.sockets).toHaveLength(2)
  })

  it('rejoins when a peer connection fails, and when it stays disconnected', async () => {
    const { browser } = await joined()
    browser.connections[0]?.become('failed')
    await browser.pass(300)
    expect(browser.sockets).toHaveLength(2)
    browser.socket.say(WELCOME)
    await settled()
    browser.connections.at(-1)?.become('disconnected')
    await browser.pass(5_000)
    expect(browser.sockets).toHaveLength(2)
    await browser.pass(2_000)
    expect(browser.sockets).toHaveLength(3)
  })

  it('rejoins when an offer of the relay cannot be read', async () => {
    const { browser } = await joined()
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'broken', tracks: [] })
    await browser.pass(300)
    expect(browser.sockets).toHaveLength(2)
  })

  it('tells again what is muted and whose hand is up', async () => {
    const { browser, client } = await joined()
    client.setMuted('microphone', true)
    client.raiseHand(true)
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(300)
    browser.socket.onopen?.()
    browser.socket.say(WELCOME)
    await settled()
    expect(browser.socket.types()).toEqual(['join', 'mute', 'hand', 'publish'])
  })

  it.each([
    [{ type: 'replaced' }, 'replaced'],
    [{ type: 'lesson_ended', reason: 'ended' }, 'ended'],
  ])('stops for good at %o and gives everything back', async (message, phase) => {
    const { browser, client } = await joined()
    browser.socket.say(message)
    await browser.pass(60_000)
    expect(client.state).toMatchObject({ phase, feeds: [], ownPicture: null })
    expect(browser.sockets).toHaveLength(1)
    expect(browser.connections.every((connection) => connection.closed)).toBe(true)
    expect(browser.devices.opened.every((track) => track.stopped)).toBe(true)
  })

  it('asks again when a server that has just started does not know the lesson yet, but not for ever', async () => {
    const { browser, client } = await joined()
    const refuse = () => {
      browser.socket.say({ type: 'error', code: 'not_found', message: '', about: 'join' })
      browser.socket.onclose?.({ code: 4403, reason: '' })
    }
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(300)
    refuse()
    await browser.pass(5_000)
    browser.socket.say(WELCOME)
    expect(client.state.phase).toBe('live')
    browser.socket.onclose?.({ code: 1006, reason: '' })
    for (let attempt = 0; attempt < 10; attempt++) {
      await browser.pass(5_000)
      refuse()
    }
    expect(client.state).toMatchObject({ phase: 'refused', reason: 'not_found' })
  })

  it.each([
    [4000, 'replaced'],
    [4004, 'ended'],
    [4403, 'reconnecting'],
  ])('reads the close code %i as %s', async (code, phase) => {
    const { browser, client } = await joined()
    browser.socket.onclose?.({ code, reason: '' })
    expect(client.state.phase).toBe(phase)
  })

  it('leaves with a word', async () => {
    const { browser, client } = await joined()
    client.leave()
    expect(browser.socket.sent.at(-1)).toMatchObject({ type: 'leave' })
    expect(browser.socket.closed).toBe(true)
    expect(client.state.phase).toBe('left')
  })
})

describe('a socket that is cut', () => {
  const RESUMABLE = { ...WELCOME, resume: true }

  it('is taken up again, and what did not arrive is said again', async () => {
    const { browser, client } = await joined(RESUMABLE)
    const first = browser.socket
    first.say({ type: 'published', id: 1, sdp: 'answer' })
    first.onclose?.({ code: 1006, reason: '' })
    client.raiseHand(true) // said while there is no socket
    await browser.pass(1)
    expect(browser.sockets).toHaveLength(2)
    browser.socket.onopen?.()
    expect(browser.socket.sent).toEqual([{ v: 1, type: 'resume', lesson_id: 'l1', connection_id: 'c1', received: 2 }])
    const said = first.sent.length - 1 // the join is no message of the connection
    browser.socket.say({ type: 'resumed', received: said - 1 })
    expect(browser.socket.types()).toEqual(['resume', first.sent.at(-1)?.type, 'hand'])
    expect(client.state.phase).toBe('live')
    expect(browser.connections.some((connection) => connection.closed)).toBe(false)
  })

  it('makes everything anew when the service does not know it any more', async () => {
    const { browser, client } = await joined(RESUMABLE)
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(1)
    browser.socket.onopen?.()
    browser.socket.say({ type: 'error', code: 'media_lost', message: 'gone', about: 'resume' })
    browser.socket.onclose?.({ code: 4003, reason: 'media_lost' })
    expect(client.state.phase).toBe('reconnecting')
    await browser.pass(300)
    browser.socket.onopen?.()
    expect(browser.socket.types()).toEqual(['join'])
  })

  it('makes everything anew when it cannot be taken up in time', async () => {
    const { browser, client } = await joined(RESUMABLE)
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(22_000)
    expect(client.state.phase).toBe('reconnecting')
    browser.socket.onopen?.()
    expect(browser.socket.types()).toEqual(['join'])
  })

  it('asks whether the line is back once a second, and less often where it is refused', async () => {
    const { browser } = await joined(RESUMABLE)
    browser.socket.onclose?.({ code: 1006, reason: '' })
    await browser.pass(6_001) // each attempt repeats its first packet after a second
    expect(browser.sockets).toHaveLength(1 + 4)
    const waits: number[] = []
    for (let attempt = 0; attempt < 4; attempt++) {
      const before = browser.sockets.length
      browser.socket.onclose?.({ code: 1006, reason: '' })
      let waited = 0
      for (; browser.sockets.length === before; waited += 100) await browser.pass(100)
      waits.push(waited)
    }
    expect(waits).toEqual([500, 500, 1_000, 1_000])
  })

  it('is not taken up after a close with a reason', async () => {
    const { browser } = await joined(RESUMABLE)
    browser.socket.onclose?.({ code: 4003, reason: 'media_lost' })
    await browser.pass(300)
    browser.socket.onopen?.()
    expect(browser.socket.types()).toEqual(['join'])
  })
})

describe('media that stops coming', () => {
  const RESUMABLE = { ...WELCOME, resume: true }
  let bytes = 0
  const hears = (connection: FakePeerConnection) => (connection.stats = [{ id: 'pair', type: 'candidate-pair', bytesReceived: (bytes += 1000) }])

  /** Packets come to these for some time. */
  async function flow(browser: FakeBrowser, connections: FakePeerConnection[], milliseconds: number) {
    for (let passed = 0; passed < milliseconds; passed += 250) {
      connections.forEach(hears)
      await browser.pass(250)
    }
  }

  async function inLesson() {
    const made = await joined(RESUMABLE)
    const { browser } = made
    browser.socket.say({ type: 'published', id: 1, sdp: 'answer' })
    browser.socket.say({ type: 'subscribe', id: 1, sdp: 'mids:v1', tracks: [] })
    await settled()
    const [receiving, publishing] = browser.connections
    if (!receiving || !publishing) throw new Error('two peer connections were made')
    await flow(browser, [publishing, receiving], 4_000)
    browser.socket.sent.length = 0
    return { ...made, receiving, publishing }
  }

  it('is given another path within little more than a second, and everything else stays', async () => {
    const { browser, client, publishing, receiving } = await inLesson()
    await browser.pass(600)
    expect(browser.socket.types()).toEqual(['ping'])
    browser.socket.say({ type: 'pong' })
    await browser.pass(650)
    expect(browser.socket.types()).toEqual(['ping', 'restart', 'publish'])
    expect(publishing.iceRestarts).toBe(1)
    expect(client.state).toMatchObject({ phase: 'live', mediaConnected: false })
    browser.socket.say({ type: 'published', id: 2, sdp: 'answer' })
    receiving.connectionState = 'connected'
    await flow(browser, [receiving, publishing], 10_000)
    expect(client.state).toMatchObject({ phase: 'live', mediaConnected: true })
    expect(browser.sockets).toHaveLength(1)
    expect(browser.connections).toHaveLength(2)
  })

  it('takes the socket up anew when the service does not answer either, and then says what has to be said', async () => {
    const { browser, client } = await inLesson()
    await browser.pass(1_500)
    expect(browser.sockets).toHaveLength(2)
    browser.socket.onopen?.()
    browser.socket.say({ type: 'resumed', received: 2 }) // the publish and the answer of before
    await settled()
    expect(browser.socket.types()).toEqual(['resume', 'ping', 'restart', 'publish'])
    expect(client.state.phase).toBe('live')
  })

  it('is waited for through an outage, however ICE judges meanwhile', async () => {
    const { browser, client, publishing, receiving } = await inLesson()
    await browser.pass(6_000)
    for (const connection of [publishing, receiving]) connection.become('disconnected')
    await browser.pass(9_000)
    for (const connection of [publishing, receiving]) connection.become('failed')
    await browser.pass(1_000)
    expect(client.state.phase).toBe('live')
    browser.socket.onopen?.()
    browser.socket.say({ type: 'resumed', received: 2 })
    for (const connection of [publishing, receiving]) connection.connectionState = 'connected'
    await flow(browser, [publishing, receiving], 8_000)
    expect(client.state).toMatchObject({ phase: 'live', mediaConnected: true })
    expect(browser.connections).toHaveLength(2)
  })

  it('is made anew when no path is found', async () => {
    const { browser } = await inLesson()
    await browser.pass(600)
    browser.socket.say({ type: 'pong' })
    await browser.pass(6_100)
    expect(browser.sockets).toHaveLength(2)
    browser.socket.onopen?.()
    expect(browser.socket.types()).toEqual(['join'])
  })

  it('is made anew when only one of the two connections comes back', async () => {
    const { browser, publishing, receiving } = await inLesson()
    await browser.pass(1_500)
    publishing.become('disconnected')
    browser.socket.onopen?.()
    browser.socket.say({ type: 'resumed', received: 2 })
    await flow(browser, [receiving], 5_500)
    expect(browser.sockets).toHaveLength(2)
    await flow(browser, [receiving], 1_500)
    expect(browser.sockets).toHaveLength(3)
  })

  it('is made anew where the relay knows no restart', async () => {
    const { browser } = await inLesson()
    await browser.pass(600)
    browser.socket.say({ type: 'pong' })
    await browser.pass(650)
    browser.socket.say({ type: 'error', code: 'bad_message', message: '', about: 'restart' })
    await browser.pass(400)
    expect(browser.socket.types()).toEqual([])
    expect(browser.sockets).toHaveLength(2)
  })

  it('is noticed later where it never came steadily, for not even checks are answered', async () => {
    const { browser, publishing, receiving } = await joined(RESUMABLE).then(({ browser }) => {
      const [receiving, publishing] = browser.connections as [FakePeerConnection, FakePeerConnection]
      return { browser, receiving, publishing }
    })
    for (let count = 0; count < 3; count++) {
      for (const connection of [receiving, publishing]) connection.stats = [{ id: 'pair', type: 'candidate-pair', responsesReceived: count + 1 }]
      await browser.pass(2_500)
    }
    expect(browser.sockets).toHaveLength(1)
    await browser.pass(2_000)
    expect(browser.sockets).toHaveLength(2)
  })

  it('means nothing while one of the two connections still receives', async () => {
    const { browser, receiving } = await inLesson()
    await flow(browser, [receiving], 4_000)
    expect(browser.socket.types()).toEqual([])
  })

  it('means nothing after the computer slept', async () => {
    const { browser, receiving, publishing } = await inLesson()
    browser.oversleep(5_000)
    await flow(browser, [receiving, publishing], 1_000)
    expect(browser.socket.types().filter((type) => type !== 'ping')).toEqual([])
  })

  it('means nothing where it never came steadily', async () => {
    const { browser, receiving } = await inLesson()
    for (let count = 0; count < 4; count++) {
      hears(receiving)
      await browser.pass(900)
    }
    await browser.pass(1_500)
    expect(browser.socket.types().filter((type) => type !== 'ping')).toEqual([])
  })

  it('is looked for at once when the network of the computer changes: a socket that does not answer is taken up anew', async () => {
    const { browser, publishing, receiving } = await inLesson()
    browser.comeOnline()
    expect(browser.socket.types()).toEqual(['ping'])
    await flow(browser, [publishing, receiving], 750)
    expect(browser.sockets).toHaveLength(2)
  })
})

describe('the shared screen', () => {
  it('says that the person cancelled', async () => {
    const { browser, client } = await joined({ role: 'lead' })
    browser.devices.screen = 'NotAllowedError'
    await client.shareScreen()
    expect(client.state).toMatchObject({ notice: 'screen_refused', sharing: null })
  })

  it("ends by the browser's own button", async () => {
    const { browser, client } = await joined({ role: 'lead' })
    const track = new FakeTrack('video', 'screen')
    browser.devices.screen = [track]
    await client.shareScreen()
    track.unplug()
    expect(client.state.sharing).toBeNull()
  })
})
