/** A party of a lesson on our relay: the web app's own live client on the real browser, without its pages. */
import { realBrowser, type LiveBrowser } from '../../../../web/src/live/browser'
import { LiveClient } from '../../../../web/src/live/live-client'
import type { Slides } from './slides'

/** A lead's picture fills the classroom's screen; beside slides it is a small tile. */
const LARGE = 720
const SMALL = 250

export class RelayParty {
  readonly client: LiveClient
  /** How the relay said the line does, and when. */
  readonly told: [number, unknown][] = []
  private looked = ''
  private readonly shown = new Map<string, HTMLVideoElement>()

  constructor(
    address: string,
    private readonly role: 'lead' | 'room',
    slides: Slides | null,
    private readonly show: (group: 'camera' | 'screen', stream: MediaStream) => HTMLVideoElement,
  ) {
    this.client = new LiveClient(browserOf(role, slides), { address, lessonId: 'lesson', expectedRole: role })
    this.client.onChange(() => this.follow())
    this.client.start()
    if (slides) void this.shareWhenLive()
  }

  get receiving(): RTCPeerConnection | null {
    return this.client.peerConnections.subscriber
  }

  get publishing(): RTCPeerConnection | null {
    return this.client.peerConnections.publisher
  }

  private async shareWhenLive(): Promise<void> {
    while (this.client.state.phase !== 'live') await new Promise((done) => setTimeout(done, 100))
    await this.client.shareScreen()
  }

  private follow(): void {
    const { state } = this.client
    if (this.told.at(-1)?.[1] !== state.line) this.told.push([Date.now(), state.line])
    for (const feed of state.feeds) {
      const key = `${feed.party_id}|${feed.group}`
      if (!this.shown.has(key)) this.shown.set(key, this.show(feed.group, feed.stream))
    }
    const tracks = state.parties
      .filter((party) => party.party_id !== state.partyId)
      .flatMap((party) => party.tracks)
    const screen = tracks.some((track) => track.source === 'screen')
    const heights = tracks
      .filter((track) => track.kind === 'video')
      .map(({ track_id, source }) => ({ track_id, height: source === 'camera' && screen ? SMALL : LARGE }))
    const text = JSON.stringify([state.phase, heights])
    if (state.phase !== 'live' || text === this.looked) return
    this.looked = text
    this.client.look(heights)
  }
}

function browserOf(role: 'lead' | 'room', slides: Slides | null): LiveBrowser {
  const real = realBrowser()
  if (role === 'room') return { ...real, mediaDevices: undefined, permissions: undefined }
  const { mediaDevices } = navigator
  const devices = {
    getUserMedia: (constraints: MediaStreamConstraints) => mediaDevices.getUserMedia(constraints),
    enumerateDevices: () => mediaDevices.enumerateDevices(),
    getDisplayMedia: async () => slides!.stream(),
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }
  return { ...real, mediaDevices: devices as unknown as MediaDevices }
}
