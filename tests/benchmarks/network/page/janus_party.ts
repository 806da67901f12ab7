/** A party of a Janus VideoRoom that captures and encodes as our own page does. It comes back when its connection failed. */
import { cameraConstraints, contentHintOf, encodingsOf, LEAD_PROFILE, microphoneConstraints } from '../../../../web/src/live/encoding'
import type { Source } from '../../../../web/src/live/signalling'
import type { Slides } from './slides'

const LEAD_FEED = 1
const KEEP_ALIVE_MS = 20_000
const RETRY_MS = 1_000

type Reply = { janus: string; transaction?: string; sender?: number; data?: { id: number }; jsep?: RTCSessionDescriptionInit; plugindata?: { data: Record<string, unknown> }; error?: unknown }

class Session {
  private readonly waiting = new Map<string, (reply: Reply) => void>()
  private number = 0
  private id = 0

  private constructor(private readonly socket: WebSocket) {
    socket.onmessage = ({ data }) => {
      const reply = JSON.parse(data) as Reply
      if (reply.janus === 'ack' || !reply.transaction) return
      this.waiting.get(reply.transaction)?.(reply)
      this.waiting.delete(reply.transaction)
    }
    setInterval(() => socket.readyState === WebSocket.OPEN && this.tell({ janus: 'keepalive', transaction: 'alive' }), KEEP_ALIVE_MS)
  }

  static async open(address: string): Promise<Session> {
    const socket = new WebSocket(address, 'janus-protocol')
    await new Promise((done, fail) => {
      socket.onopen = done
      socket.onerror = fail
    })
    const session = new Session(socket)
    session.id = (await session.ask({ janus: 'create' })).data!.id
    return session
  }

  async attach(): Promise<(body: object, jsep?: object) => Promise<Reply>> {
    const handle_id = (await this.ask({ janus: 'attach', plugin: 'janus.plugin.videoroom' })).data!.id
    return (body, jsep) => this.ask({ janus: 'message', handle_id, body, ...(jsep ? { jsep } : {}) })
  }

  close(): void {
    this.socket.close()
  }

  private ask(message: object): Promise<Reply> {
    const transaction = `t${++this.number}`
    return new Promise((done) => {
      this.waiting.set(transaction, done)
      this.tell({ ...message, transaction })
    })
  }

  private tell(message: object): void {
    this.socket.send(JSON.stringify({ ...message, ...(this.id ? { session_id: this.id } : {}) }))
  }
}

export class JanusParty {
  receiving: RTCPeerConnection | null = null
  publishing: RTCPeerConnection | null = null
  private session: Session | null = null

  constructor(
    private readonly address: string,
    private readonly room: number,
    role: 'lead' | 'room',
    private readonly slides: Slides | null,
    private readonly show: (group: 'camera' | 'screen', stream: MediaStream) => HTMLVideoElement,
  ) {
    void this.keep(() => (role === 'lead' ? this.publish() : this.subscribe()))
  }

  private async keep(enter: () => Promise<RTCPeerConnection>): Promise<void> {
    const connection = await enter().catch(() => null)
    const again = () => {
      this.session?.close()
      connection?.close()
      setTimeout(() => void this.keep(enter), RETRY_MS)
    }
    if (!connection) again()
    else connection.onconnectionstatechange = () => connection.connectionState === 'failed' && again()
  }

  private async publish(): Promise<RTCPeerConnection> {
    this.session = await Session.open(this.address)
    const ask = await this.session.attach()
    await ask({
      request: 'create', room: this.room, publishers: 4, bitrate: 0, videocodec: 'h264', h264_profile: '42e01f', audiocodec: 'opus', opus_fec: true,
    })
    const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    const media = await navigator.mediaDevices.getUserMedia({ video: cameraConstraints(LEAD_PROFILE), audio: microphoneConstraints() })
    const screen = this.slides?.stream().getVideoTracks()[0]
    const tracks: [Source, MediaStreamTrack | undefined][] = [
      ['microphone', media.getAudioTracks()[0]],
      ['camera', media.getVideoTracks()[0]],
      ['screen', screen],
    ]
    for (const [source, track] of tracks) {
      if (!track) continue
      track.contentHint = contentHintOf(source)
      connection.addTransceiver(track, { direction: 'sendonly', sendEncodings: encodingsOf(source, LEAD_PROFILE) })
    }
    await connection.setLocalDescription(await connection.createOffer())
    await gathered(connection)
    const { type, sdp } = connection.localDescription!
    const reply = await ask({ request: 'joinandconfigure', ptype: 'publisher', room: this.room, id: LEAD_FEED }, { type, sdp, rid_order: 'lmh' })
    await connection.setRemoteDescription(reply.jsep!)
    this.publishing = connection
    return connection
  }

  private async subscribe(): Promise<RTCPeerConnection> {
    this.session = await Session.open(this.address)
    const ask = await this.session.attach()
    const offered = await ask({ request: 'join', ptype: 'subscriber', room: this.room, streams: [{ feed: LEAD_FEED }] })
    if (!offered.jsep) throw new Error(JSON.stringify(offered.plugindata))
    const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    this.receiving = connection
    const pictures: MediaStreamTrack[] = []
    const streams: MediaStream[] = [new MediaStream(), new MediaStream()]
    connection.ontrack = ({ track }) => {
      if (track.kind === 'video') pictures.push(track)
      streams[track.kind === 'video' && pictures.length === 2 ? 1 : 0]!.addTrack(track)
    }
    await connection.setRemoteDescription(offered.jsep)
    await connection.setLocalDescription(await connection.createAnswer())
    await gathered(connection)
    const { type, sdp } = connection.localDescription!
    await ask({ request: 'start' }, { type, sdp })
    this.show('camera', streams[0]!)
    if (pictures.length === 2) this.show('screen', streams[1]!)
    return connection
  }
}

function gathered(connection: RTCPeerConnection): Promise<void> {
  return new Promise((done) => {
    if (connection.iceGatheringState === 'complete') done()
    connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && done()
  })
}
