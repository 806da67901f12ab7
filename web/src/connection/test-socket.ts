/** The socket of a connection test: several parties of one page on it, each with messages of its own. */
import type { ServerMessage, SocketLikeMessage } from './wire'
import { readWire } from './wire'

export const OPEN_WITHIN_MS = 8_000
export const PING_EVERY_MS = 10_000

/** The socket could not be had, or was closed; `code` is the refusal's, or empty when the network is to blame. */
export class SocketLost extends Error {
  constructor(readonly code: string) {
    super(code || 'the socket was lost')
  }
}

export class TestSocket {
  iceServers: RTCIceServer[] = []
  private readonly socket: WebSocket
  private readonly listeners = new Map<number, (message: ServerMessage) => void>()
  private pong: (() => void) | null = null
  private refusal = ''
  private timer = 0
  private readonly gone: Promise<never>

  /** Resolves once the service has begun the test. Rejects with SocketLost. */
  static async open(address: string): Promise<TestSocket> {
    const socket = new TestSocket(address)
    await socket.within(socket.ready, OPEN_WITHIN_MS)
    return socket
  }

  private readonly ready: Promise<void>

  private constructor(address: string) {
    this.socket = new WebSocket(address)
    let begin: () => void
    let lose: (reason: SocketLost) => void
    this.ready = new Promise((resolve) => (begin = resolve))
    this.gone = new Promise((_, reject) => (lose = reject))
    this.gone.catch(() => undefined) // whoever waits for something hears of it
    this.socket.onmessage = (event) => {
      const message = readWire(event.data)
      if (!message) return
      if (message.type === 'ready') {
        this.iceServers = message.ice.ice_servers ?? []
        begin()
      } else if (message.type === 'pong') this.pong?.()
      else if (message.type === 'error') this.refusal = message.code
      else this.listeners.get(message.party)?.(message.message)
    }
    this.socket.onclose = () => lose(new SocketLost(this.refusal))
    this.timer = window.setInterval(() => this.ping().catch(() => undefined), PING_EVERY_MS)
  }

  /** Round trip to the service in ms. */
  async ping(): Promise<number> {
    const asked = performance.now()
    const answered = new Promise<void>((resolve) => (this.pong = resolve))
    this.say({ v: 1, type: 'ping' })
    await this.within(answered, OPEN_WITHIN_MS)
    return performance.now() - asked
  }

  join(party: number, receive: boolean, listener: (message: ServerMessage) => void): void {
    this.listeners.set(party, listener)
    this.send(party, { type: 'join', receive })
  }

  send(party: number, message: SocketLikeMessage): void {
    this.say({ v: 1, party, message })
  }

  leave(party: number): void {
    this.listeners.delete(party)
    this.send(party, { type: 'leave' })
  }

  close(): void {
    window.clearInterval(this.timer)
    this.socket.close()
  }

  /** Gives what comes within the time; rejects with SocketLost when it does not, or the socket is lost before. */
  within<Value>(wanted: Promise<Value>, ms: number): Promise<Value> {
    const late = new Promise<never>((_, reject) => window.setTimeout(() => reject(new SocketLost('')), ms))
    return Promise.race([wanted, this.gone, late])
  }

  private say(message: object): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message))
  }
}
