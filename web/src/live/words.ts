/** Which message tells a person how the lesson stands. */
import { isInterrupted, type LineView, type LiveState } from './live-state'

const KNOWN_REFUSALS = new Set(['not_allowed', 'not_found', 'too_early'])
const KNOWN_NOTICES = new Set(['not_allowed', 'rate_limited', 'bad_sdp', 'screen_refused', 'screen_unavailable'])

/** Key of the words for the connection's state. */
export function stateKey(state: LiveState): string {
  if (isInterrupted(state)) return 'live.phase.reconnecting'
  if (state.phase !== 'live') return `live.phase.${state.phase}`
  return state.mediaConnected || state.feeds.length === 0 ? 'live.phase.live' : 'live.phase.media'
}

/** Key of the words for why the lesson is not shown any more. */
export function reasonKey(state: LiveState): string {
  if (state.phase === 'refused') return KNOWN_REFUSALS.has(state.reason) ? `live.refused.${state.reason}` : 'live.refused.other'
  return `live.over.${state.phase === 'replaced' ? 'replaced' : state.phase === 'left' ? 'left' : 'ended'}`
}

export function noticeKey(code: string): string {
  return KNOWN_NOTICES.has(code) ? `live.notice.${code}` : 'live.notice.other'
}

/** Key of the words for how the line does; empty while all is well. */
export function lineKey(line: LineView, uplinkWeak: boolean): string {
  const pictures = Object.values(line.pictures)
  const lowered = line.reason !== 'none' && pictures.some((picture) => picture !== 'full')
  if (!lowered) return uplinkWeak ? 'live.line.uplink' : ''
  // Not this place's fault: others send less, and what there is comes whole.
  if (line.reason === 'sender') return uplinkWeak ? 'live.line.uplink' : 'live.line.sender'
  const what = pictures.every((picture) => picture === 'paused') ? 'soundOnly' : pictures.includes('paused') ? 'fewer' : 'smaller'
  return `live.line.${line.reason === 'ceiling' ? 'school' : 'own'}.${what}`
}
