/** A recording as the service gives it, and the calls for it. */
import { asProblem, problemFrom } from '../api/problem'
import { ensureSession } from '../accounts/session'

export interface RecordedStream {
  id: string
  party_name: string
  role: 'lead' | 'room' | 'teacher' | 'observer'
  source: 'camera' | 'screen' | 'microphone'
  offset_ms: number
  duration_ms: number
  content_type: string
  has_picture: boolean
  has_sound: boolean
  width: number | null
  height: number | null
  bytes: number
  /** Breaks inside the file, in ms on the file's own time line. */
  gaps: [number, number][]
  media_url: string
  download_url: string
}

export interface Chapter {
  at_ms: number
  type: string
  party_name: string
}

export interface Recording {
  lesson: {
    id: string
    title: string
    kind: string
    starts_at: string
    ends_at: string
    lead_teacher: string
    lead_school: string
  }
  state: 'recording' | 'processing' | 'ready' | 'failed'
  progress: number
  problem: string | null
  problem_detail: string | null
  duration_ms: number | null
  may_retry: boolean
  streams: RecordedStream[]
  events: Chapter[]
}

async function call(path: string, init: RequestInit): Promise<Recording> {
  let response: Response
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init })
  } catch (error) {
    throw asProblem(error)
  }
  const body: unknown = await response.json().catch(() => null)
  if (!response.ok) throw problemFrom(response, body)
  return body as Recording
}

export function readRecording(lessonId: string): Promise<Recording> {
  return call(`/api/lessons/${encodeURIComponent(lessonId)}/recording`, {})
}

/** Asks for a failed recording to be made again. */
export async function retryRecording(lessonId: string): Promise<Recording> {
  const session = await ensureSession()
  return call(`/api/lessons/${encodeURIComponent(lessonId)}/recording/retry`, {
    method: 'POST',
    headers: { 'X-CSRF-Token': session?.csrf_token ?? '' },
  })
}
