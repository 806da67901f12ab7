/** What a page shows of a live lesson at one moment: plain data, replaced as a whole at each change. */
import type { DeviceState } from './local-media'
import type { RemoteFeed } from './remote-media'
import type { LineReason, LiveLessonSummary, PartyRole, PictureState, RosterParty } from './signalling'

/**
 * connecting: first join under way · live: joined · reconnecting: lost, coming back by itself
 * · ended: the lesson is over · replaced: joined elsewhere · refused: may not join · left: left by choice
 */
export type Phase = 'connecting' | 'live' | 'reconnecting' | 'ended' | 'replaced' | 'refused' | 'left'

export interface DeviceView {
  state: DeviceState
  muted: boolean
}

export interface LineView {
  reason: LineReason
  kbps: number | null
  pictures: Record<string, PictureState>
}

export interface LiveState {
  phase: Phase
  /** Stable code of the reason for `ended` and `refused`. */
  reason: string
  partyId: string
  role: PartyRole | null
  lesson: LiveLessonSummary | null
  mayPublish: boolean
  recording: { active: boolean; problem: string | null }
  parties: RosterParty[]
  observers: number
  feeds: RemoteFeed[]
  /** Pictures and sound really flow from the relay. */
  mediaConnected: boolean
  /** They have flowed before. */
  mediaFlowed: boolean
  camera: DeviceView
  microphone: DeviceView
  /** Own camera picture, for the self view. */
  ownPicture: MediaStreamTrack | null
  handRaised: boolean
  /** Own shared screen, or null. */
  sharing: MediaStream | null
  /** How the line to this place does: why pictures are not whole, and how each is received (by track). */
  line: LineView
  /** This computer's own line is too weak for its whole picture. */
  uplinkWeak: boolean
  /** Code of the last request that was refused or failed; cleared by the next one that succeeds. */
  notice: string
}

export const FINAL_PHASES: readonly Phase[] = ['ended', 'replaced', 'refused', 'left']

/** The line to this place is away in mid-lesson; everything comes back by itself. */
export function isInterrupted(state: Pick<LiveState, 'phase' | 'mediaConnected' | 'mediaFlowed'>): boolean {
  return state.phase === 'reconnecting' || (state.phase === 'live' && state.mediaFlowed && !state.mediaConnected)
}

export function initialState(): LiveState {
  return {
    phase: 'connecting',
    reason: '',
    partyId: '',
    role: null,
    lesson: null,
    mayPublish: false,
    recording: { active: false, problem: null },
    parties: [],
    observers: 0,
    feeds: [],
    mediaConnected: false,
    mediaFlowed: false,
    camera: { state: 'off', muted: false },
    microphone: { state: 'off', muted: false },
    ownPicture: null,
    handRaised: false,
    sharing: null,
    line: { reason: 'none', kbps: null, pictures: {} },
    uplinkWeak: false,
    notice: '',
  }
}
