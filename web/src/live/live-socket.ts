/**
 * The signalling socket of one join. When it is cut without a word (a proxy ends it after half an hour, the network changes) it is
 * opened again and taken up where it was: both sides number what they said and say again what did not arrive. Media goes on meanwhile.
 */
import type { LiveBrowser, SocketLike } from './browser'
import { decodeMessage, encodeMessage, type ClientMessage, type ServerMessage } from './signalling'

/** The service keeps a connection for 10 s after it heard of the cut; of an outage it hears nothing, and the relay waits 30 s. */
export const RESUME_WITHIN_MS = 20_000
/** After an attempt that was refused, growing: Chromium holds a page back whose sockets fail too often. */
export const RESUME_EVERY_MS = [500, 500, 1_000]
/** An attempt repeats its first packet after a second, so with these the line is asked once a second. */
export const RESUME_ATTEMPT_MS = 2_000
/** As many messages are kept to be said again; the service keeps at least as many. */
const MOST_KEPT = 32
/** RFC 6455 7.4.1: the socket ended without a close frame. */
const CUT = 1006

export type SocketLoss = 'socket' | 'unanswered'

export interface SocketHooks {
  message(message: ServerMessage): void
  /** It was cut and goes on; what was said meanwhile is said again. */
  resumed(): void
  /** It is over. `unanswered`: it was never open. */
  lost(cause: SocketLoss, closeCode: number | null): void
}

export class LiveSocket {
  private socket: SocketLike | null = null
  private opened = false
  private connectionId: string | null = null
  private cutAt_ms: number | null = null
  private refusals = 0
  private timer: number | null = null
  private over = false
  private heard = 0
  private said = 0
  private readonly kept: string[] = []

  constructor(
    private readonly browser: LiveBrowser,
    private readonly address: string,
    private readonly lessonId: string,
    openWithin_ms: number,
    private readonly hooks: SocketHooks,
  ) {
    this.open(openWithin_ms, () => this.finish('unanswered', null), encodeMessage({ type: 'join', lesson_id: lessonId }))
  }

  /** Whether the service was reached at all. */
  get wasOpen(): boolean {
    return this.opened
  }

  /** Whether it was cut and is not taken up again yet. */
  get isCut(): boolean {
    return this.cutAt_ms !== null
  }

  send(message: ClientMessage): void {
    if (this.over || !this.opened) return
    const text = encodeMessage(message)
    this.said += 1
    this.kept.push(text)
    if (this.kept.length > MOST_KEPT) this.kept.shift()
    if (this.cutAt_ms === null) this.say(text)
  }

  /** The socket is silent: cut it oneself and try to take it up again. */
  cut(): void {
    if (!this.over && this.cutAt_ms === null) this.onClose(CUT)
  }

  /** Ends it on purpose; no more hooks are called. */
  close(): void {
    this.over = true
    this.drop()
  }

  private open(within_ms: number, late: () => void, first: string): void {
    this.drop()
    const socket = this.browser.openSocket(this.address)
    this.socket = socket
    socket.onopen = () => {
      this.isOpen()
      this.say(first)
    }
    socket.onmessage = (event) => {
      this.isOpen()
      this.hear(event.data)
    }
    socket.onclose = (event) => this.onClose(event.code)
    socket.onerror = () => undefined // a close follows
    this.timer = this.browser.setTimer(late, within_ms)
  }

  private isOpen(): void {
    this.opened = true
    this.stopTimer()
  }

  private hear(data: unknown): void {
    if (this.over) return
    const message = decodeMessage(data)
    if (message?.type === 'resumed') return this.onResumed(message.received)
    this.heard += 1
    if (!message) return
    if (message.type === 'welcome') this.connectionId = message.resume ? message.connection_id : null
    if (message.type === 'error' && message.about === 'resume') return // the close that follows says it all
    this.hooks.message(message)
  }

  private onClose(code: number): void {
    if (this.over) return
    const now = this.browser.nowMs()
    if (code !== CUT || this.connectionId === null) return this.finish('socket', code)
    this.cutAt_ms ??= now
    if (now - this.cutAt_ms >= RESUME_WITHIN_MS) return this.finish('socket', code)
    this.drop()
    const wait_ms = now === this.cutAt_ms ? 0 : (RESUME_EVERY_MS[this.refusals++] ?? RESUME_EVERY_MS.at(-1))
    this.timer = this.browser.setTimer(() => this.resume(), wait_ms ?? 0)
  }

  /** Nobody answered in time: the line is away, and asking again at once spares nobody less. */
  private onLate(): void {
    if (this.over || this.cutAt_ms === null) return
    if (this.browser.nowMs() - this.cutAt_ms >= RESUME_WITHIN_MS) return this.finish('unanswered', null)
    this.resume()
  }

  private resume(): void {
    const message = encodeMessage({ type: 'resume', lesson_id: this.lessonId, connection_id: this.connectionId ?? '', received: this.heard })
    this.open(RESUME_ATTEMPT_MS, () => this.onLate(), message)
  }

  private onResumed(received: number): void {
    const missing = this.said - received
    if (missing < 0 || missing > this.kept.length) return this.finish('socket', null)
    this.cutAt_ms = null
    this.refusals = 0
    for (const text of this.kept.slice(this.kept.length - missing)) this.say(text)
    this.hooks.resumed()
  }

  private say(text: string): void {
    try {
      this.socket?.send(text)
    } catch {
      // Already closing: the close that follows takes it up again or ends it.
    }
  }

  private finish(cause: SocketLoss, code: number | null): void {
    this.close()
    this.hooks.lost(cause, code)
  }

  private drop(): void {
    this.stopTimer()
    const { socket } = this
    this.socket = null
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close(1000)
  }

  private stopTimer(): void {
    if (this.timer !== null) this.browser.clearTimer(this.timer)
    this.timer = null
  }
}
