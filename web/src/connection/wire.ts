/** What goes over the socket of a connection test (described in service/api/connections.py). */
import { decodeMessage, readObject, type ClientMessage, type ServerMessage } from '../live/signalling'

export type { ServerMessage }
export type SocketLikeMessage = Exclude<ClientMessage, { type: 'join' }> | { type: 'join'; receive: boolean }

export type WireMessage =
  | { type: 'ready'; ice: { ice_servers?: RTCIceServer[] } }
  | { type: 'pong' }
  | { type: 'error'; code: string }
  | { type: 'party'; party: number; message: ServerMessage }

/** One message of the service, or null for what this page does not know. */
export function readWire(text: unknown): WireMessage | null {
  const read = readObject(text)
  if (read === null) return null
  const { type, party, message, ice, code } = read
  if (type === 'ready') return { type, ice: (ice ?? {}) as { ice_servers?: RTCIceServer[] } }
  if (type === 'pong') return { type }
  if (type === 'error') return { type, code: String(code) }
  if (typeof party !== 'number') return null
  const inner = decodeMessage(JSON.stringify(message ?? null))
  return inner && { type: 'party', party, message: inner }
}
