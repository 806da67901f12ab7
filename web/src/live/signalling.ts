/**
 * The signalling protocol of /api/live as the browser speaks it: message types and the reader of what the server sends.
 * Described in media/README.md; JSON text messages, version 1.
 */

export type Source = 'camera' | 'microphone' | 'screen' | 'screen_audio'
export type MediaKind = 'audio' | 'video'
export type PartyRole = 'lead' | 'room' | 'teacher' | 'observer'
export type LessonKind = 'synchronous' | 'famous_teacher' | 'famous_school'

export interface LiveLessonSummary {
  id: string
  title: string
  kind: LessonKind
  subject?: string
  starts_at?: string | number
  ends_at?: string | number
  state?: string
}

export interface RosterTrack {
  track_id: string
  source: Source
  kind: MediaKind
}

export interface RosterParty {
  party_id: string
  name: string
  school: string
  role: PartyRole
  connected: boolean
  on_stage: boolean
  hand_raised: boolean
  muted: Source[]
  tracks: RosterTrack[]
}

export interface OfferedTrack extends RosterTrack {
  mid: string
  party_id: string
}

export interface PublishedTrack {
  mid: string
  source: Source
  /** Frame rates the relay can thin it to; only where the codec turns out to be VP8. */
  temporal_layers?: number
}

/** How a picture is received: whole, a lower layer, fewer frames, or not at all for want of line. */
export type PictureState = 'full' | 'small' | 'slow' | 'paused'
/** Why pictures are not whole: the line of this place, or the line that the school's rooms share. */
export type LineReason = 'none' | 'line' | 'ceiling' | 'sender'

export interface LineMessage {
  type: 'line'
  reason: LineReason
  /** What the line is known to carry; null while nothing is known. */
  kbps: number | null
  loss_pct: number
  queue_ms: number
  /** So long sound and pictures should wait for what is sent again; 0 or nothing (an older relay): as the browser thinks right. */
  wait_ms?: number
  tracks: { track_id: string; state: PictureState }[]
}

export interface WelcomeMessage {
  type: 'welcome'
  connection_id: string
  party_id: string
  role: PartyRole
  lesson: LiveLessonSummary
  may_publish: boolean
  recording: boolean
  /** Whether the connection can be taken up again after its socket was cut. */
  resume?: boolean
  ice?: { ice_servers?: RTCIceServer[] }
}

export interface ErrorMessage {
  type: 'error'
  code: string
  message: string
  about?: string
}

export type ServerMessage =
  | WelcomeMessage
  | { type: 'published'; id: number; sdp: string }
  | { type: 'subscribe'; id: number; sdp: string; tracks: OfferedTrack[] }
  | { type: 'roster'; parties: RosterParty[]; observers: number; may_publish: boolean }
  | { type: 'recording'; active: boolean; problem: string | null }
  | { type: 'lesson'; state: string }
  | { type: 'lesson_ended'; reason: string }
  | { type: 'replaced' }
  /** `kbps`: the lowest layer may take so much; without it, what suits this client. */
  | { type: 'wanted'; source: Source; layers: number; kbps?: number }
  | { type: 'republish' }
  /** The lesson goes to another relay: join it there as well, and say `moved` here once everything comes from there. */
  | { type: 'move' }
  | { type: 'resumed'; received: number }
  | LineMessage
  | { type: 'pong' }
  | ErrorMessage

export type ClientMessage =
  | { type: 'join'; lesson_id: string }
  | { type: 'resume'; lesson_id: string; connection_id: string; received: number }
  | { type: 'publish'; id: number; sdp: string; tracks: PublishedTrack[] }
  | { type: 'subscribed'; id: number; sdp: string }
  | { type: 'mute'; source: Source; muted: boolean }
  | { type: 'hand'; raised: boolean }
  | { type: 'stage'; party_id: string; on: boolean }
  | { type: 'look'; tracks: { track_id: string; height: number }[] }
  /** Nothing arrives on the receiving connection any more: offer it again with new ICE credentials. */
  | { type: 'restart' }
  | { type: 'moved' }
  | { type: 'leave' }
  | { type: 'ping' }

const SERVER_TYPES = new Set([
  'welcome',
  'published',
  'subscribe',
  'roster',
  'recording',
  'lesson',
  'lesson_ended',
  'replaced',
  'wanted',
  'republish',
  'move',
  'resumed',
  'line',
  'pong',
  'error',
])

/** The text of one client message, with the protocol version. */
export function encodeMessage(message: ClientMessage): string {
  return JSON.stringify({ v: 1, ...message })
}

/** One server message, or null for what this client does not know (a newer server may say more). */
export function decodeMessage(text: unknown): ServerMessage | null {
  const message = readObject(text)
  const type = message?.type
  return typeof type === 'string' && SERVER_TYPES.has(type) ? (message as unknown as ServerMessage) : null
}

/** The JSON object of a text frame, or null when it is none. */
export function readObject(text: unknown): Record<string, unknown> | null {
  if (typeof text !== 'string') return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}

/** Address of the signalling socket on the page's own host; `as` says which of two cookies counts. */
export function liveAddress(location: { protocol: string; host: string }, as: 'user' | 'room'): string {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
  return `${scheme}//${location.host}/api/live?as=${as}`
}
