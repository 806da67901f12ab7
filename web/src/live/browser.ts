/** What the live core needs of a browser, as one injected object, so that its logic is tested without one. */

export interface SocketLike {
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  onerror: (() => void) | null
  send(text: string): void
  close(code?: number, reason?: string): void
}

export interface LiveBrowser {
  openSocket(address: string): SocketLike
  createPeerConnection(configuration: RTCConfiguration): RTCPeerConnection
  createStream(): MediaStream
  /** Undefined on a page that is not served securely: no camera and no microphone there. */
  mediaDevices: MediaDevices | undefined
  permissions: Permissions | undefined
  storage: Pick<Storage, 'getItem' | 'setItem'> | undefined
  setTimer(callback: () => void, delayMs: number): number
  clearTimer(timer: number): void
  /** Monotonic milliseconds. */
  nowMs(): number
  random(): number
  /** Calls back when the network returns; gives the function that stops it. */
  onOnline(callback: () => void): () => void
}

function storageOf(view: Window): Storage | undefined {
  try {
    return view.localStorage
  } catch {
    return undefined // blocked by the browser's settings: choices are then not remembered
  }
}

/** The real browser. */
export function realBrowser(view: Window = window): LiveBrowser {
  return {
    openSocket: (address) => new WebSocket(address) as unknown as SocketLike,
    createPeerConnection: (configuration) => new RTCPeerConnection(configuration),
    createStream: () => new MediaStream(),
    mediaDevices: view.navigator.mediaDevices as MediaDevices | undefined,
    permissions: view.navigator.permissions as Permissions | undefined,
    storage: storageOf(view),
    setTimer: (callback, delayMs) => view.setTimeout(callback, delayMs),
    clearTimer: (timer) => view.clearTimeout(timer),
    nowMs: () => performance.now(),
    random: () => Math.random(),
    onOnline: (callback) => {
      view.addEventListener('online', callback)
      return () => view.removeEventListener('online', callback)
    },
  }
}
