/** The peer connections of a connection test: one that sends and one that receives, each over a chosen way. */
import { LEAD_PROFILE } from '../live/encoding'
import { Publisher, type OutgoingTracks } from '../live/publisher'
import { Subscriber } from '../live/subscriber'
import { SocketLost, type TestSocket } from './test-socket'

export const CONNECT_WITHIN_MS = 8_000

/** Sends `tracks` as party `party`; `connected` tells how many ms it took. Close it whatever came of it. */
export class SendingCall {
  readonly publisher: Publisher
  private readonly began = performance.now()
  private readonly outcome: Promise<boolean>

  constructor(
    private readonly socket: TestSocket,
    private readonly party: number,
    configuration: RTCConfiguration,
    tracks: OutgoingTracks,
  ) {
    const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', ...configuration })
    this.outcome = outcomeOf(connection)
    this.publisher = new Publisher(connection, LEAD_PROFILE, {
      send: (message) => socket.send(party, message),
      failed: () => connection.close(),
    })
    socket.join(party, false, (message) => {
      if (message.type === 'welcome') void this.publisher.setTracks(tracks)
      else if (message.type === 'published') this.publisher.answered(message.id, message.sdp)
      else if (message.type === 'wanted') void this.publisher.setLookedAt(message.source, message.layers)
      else if (message.type === 'error' && message.about === 'publish') this.publisher.refused()
    })
  }

  get connection(): RTCPeerConnection {
    return this.publisher.connection
  }

  /** How long it took to connect in ms, or null if it did not. Rejects with SocketLost. */
  async connected(): Promise<number | null> {
    return connectedWithin(this.socket, this.outcome, this.began)
  }

  /** Where the relay takes media, as its answer says: `address:port`, or null before there is one. */
  get relayAddress(): string | null {
    const candidate = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) /im.exec(this.connection.remoteDescription?.sdp ?? '')
    return candidate ? `${candidate[1]}:${candidate[2]}` : null
  }

  close(): void {
    this.publisher.close()
    this.socket.leave(this.party)
  }
}

/** Receives all that the others of the test send. */
export class ReceivingCall {
  readonly connection: RTCPeerConnection
  /** What the relay knows the line to carry, in kbit/s; null while it knows nothing. */
  line_kbps: number | null = null
  private readonly subscriber: Subscriber
  private readonly outcome: Promise<boolean>
  private readonly began = performance.now()

  constructor(
    private readonly socket: TestSocket,
    private readonly party: number,
    configuration: RTCConfiguration,
  ) {
    this.connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', ...configuration })
    this.outcome = outcomeOf(this.connection)
    this.subscriber = new Subscriber(this.connection, {
      send: (message) => socket.send(party, message),
      received: () => undefined,
      failed: () => this.connection.close(),
    })
    socket.join(party, true, (message) => {
      if (message.type === 'subscribe') void this.subscriber.offered(message.id, message.sdp, message.tracks)
      else if (message.type === 'line') this.line_kbps = message.kbps
    })
  }

  /** Likewise. */
  connected(): Promise<number | null> {
    return connectedWithin(this.socket, this.outcome, this.began)
  }

  close(): void {
    this.subscriber.close()
    this.socket.leave(this.party)
  }
}

async function connectedWithin(socket: TestSocket, outcome: Promise<boolean>, began: number): Promise<number | null> {
  try {
    return (await socket.within(outcome, CONNECT_WITHIN_MS)) ? performance.now() - began : null
  } catch (error) {
    if (error instanceof SocketLost && error.code === '') return null // it took too long
    throw error
  }
}

/** True once media can flow, false once it is certain that it cannot. */
function outcomeOf(connection: RTCPeerConnection): Promise<boolean> {
  return new Promise((resolve) => {
    connection.addEventListener('connectionstatechange', () => {
      const { connectionState: state } = connection
      if (state === 'connected') resolve(true)
      else if (state === 'failed' || state === 'closed') resolve(false)
    })
  })
}
