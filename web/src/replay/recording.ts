/** A recording as the service gives it, and the calls for it. */
import { asProblem, problemFrom } from '../api/problem'
import { ensureSession } from '../accounts/session'

export interface RecordedStream {
  id: string
  party_id: string
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
  /** The lesson still runs and the file gets longer. */
  growing?: boolean
  /** Of a lesson that still runs: fetched piece by piece, whether it gets longer or not. */
  live?: boolean
  /** It has not become longer for a while: what lacks at its end is not on its way. */
  settled?: boolean
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
    subject: string
    grade: string
    starts_at: string
    ends_at: string
    lead_teacher: string
    lead_school: string
  }
  state: 'recording' | 'processing' | 'ready' | 'failed' | 'deleted'
  progress: number
  problem: string | null
  problem_detail: string | null
  /** The moment of the timeline's zero, by the service's clock. */
  origin_at?: string | null
  duration_ms: number | null
  may_retry: boolean
  streams: RecordedStream[]
  events: Chapter[]
  /** Whether all of it may be watched, or only what is published. */
  how?: 'all' | 'published'
  /** What moves over the pictures, where the policy says so. */
  watermark?: string | null
  /** Of a lesson that still runs: how much later its beginning is than the page counts. */
  shift_ms?: number
}

/** A JPEG of thumbnails in rows of `columns`; `tiles` gives the ms of the lesson each one shows. */
export interface ThumbnailSheet {
  url: string
  tile_width: number
  tile_height: number
  columns: number
  tiles: number[]
}

export interface Timeline {
  complete: boolean
  /** `speech`: stretches of the lesson in which somebody speaks in this stream. */
  streams: { stream_id: string; speech: [number, number][]; sheet: ThumbnailSheet | null }[]
  chapters: { at_ms: number; until_ms: number; type: string; party_name: string }[]
}

async function call<Answer>(path: string, init: RequestInit): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init })
  } catch (error) {
    throw asProblem(error)
  }
  const body: unknown = await response.json().catch(() => null)
  if (!response.ok) throw problemFrom(response, body)
  return body as Answer
}

/** With the files of a lesson that still runs, as far as there are any. */
export function readRecording(lessonId: string): Promise<Recording> {
  return call(`/api/lessons/${encodeURIComponent(lessonId)}/recording?live=true`, {})
}

/** Asks for a failed recording to be made again. */
export async function retryRecording(lessonId: string): Promise<Recording> {
  const session = await ensureSession()
  return call(`/api/lessons/${encodeURIComponent(lessonId)}/recording/retry`, {
    method: 'POST',
    headers: { 'X-CSRF-Token': session?.csrf_token ?? '' },
  })
}

/** Who spoke when and thumbnails, as far as they are read off the files already. */
export function readTimeline(lessonId: string): Promise<Timeline> {
  return call(`/api/lessons/${encodeURIComponent(lessonId)}/recording/timeline`, {})
}

/** Reports stretches that were really played; `leaving` lets the report outlive the page. */
export async function reportWatched(lessonId: string, parts: [number, number][], leaving: boolean): Promise<void> {
  const session = await ensureSession()
  await call(`/api/lessons/${encodeURIComponent(lessonId)}/watched`, {
    method: 'POST',
    keepalive: leaving,
    headers: { 'X-CSRF-Token': session?.csrf_token ?? '', 'Content-Type': 'application/json' },
    body: JSON.stringify({ parts }),
  })
}
