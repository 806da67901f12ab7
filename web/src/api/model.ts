/** The shapes of the REST interface that pages speak about. */

export type Role =
  | 'system_administrator'
  | 'prefecture_administrator'
  | 'county_administrator'
  | 'school_administrator'
  | 'teacher'
  | 'researcher'
  | 'inspector'

export type LessonKind = 'synchronous' | 'famous_teacher' | 'famous_school'
export type LessonState = 'booked' | 'live' | 'ended' | 'cancelled'
export type ReceiverState = 'pending' | 'accepted' | 'declined' | 'withdrawn'
export type ConsentState = 'granted' | 'refused' | 'unknown'
export type OrganisationKind = 'nation' | 'province' | 'prefecture' | 'county' | 'school'
export type RecordingProgress = 'recording' | 'processing' | 'ready' | 'failed'

export interface Page<Item> {
  items: Item[]
  total: number
}

export interface Settings {
  time_zone: string
  default_locale: string
  setup_needed: boolean
  version: string
}

export interface OrganisationBrief {
  id: string
  name: string
  kind: OrganisationKind
  path: string
}

export interface User {
  id: string
  username: string
  display_name: string
  role: Role
  organisation: OrganisationBrief
  locale: string | null
  disabled: boolean
}

export interface Session {
  user: User
  csrf_token: string
  permissions: string[]
}

export interface Organisation {
  id: string
  parent_id: string | null
  name: string
  kind: OrganisationKind
  depth: number
}

export interface CodedName {
  code: string
  name: { zh: string; en: string }
}

export interface Period {
  number: number
  starts: string
  ends: string
}

export interface SchoolBrief {
  id: string
  name: string
  county?: string | null
}

export interface NamedBrief {
  id: string
  name: string
}

export interface Teacher {
  id: string
  display_name: string
  school: SchoolBrief
}

export interface SchoolClass {
  id: string
  name: string
  grade: string
}

export interface Room {
  id: string
  name: string
  school: SchoolBrief
  can_lead: boolean
  recording_consent: ConsentState
  device: { paired_at: string; last_seen_at: string | null; connected: boolean } | null
}

export interface Receiver {
  id: string
  room: NamedBrief
  school: SchoolBrief
  teacher: NamedBrief | null
  class: NamedBrief | null
  state: ReceiverState
  decided_at: string | null
  note: string | null
}

export interface Lesson {
  id: string
  kind: LessonKind
  title: string
  subject: string
  grade: string
  class: NamedBrief | null
  starts_at: string
  ends_at: string
  state: LessonState
  started_at: string | null
  ended_at: string | null
  cancel_reason: string | null
  lead: { room: NamedBrief | null; teacher: NamedBrief; school: SchoolBrief }
  receivers: Receiver[]
  recorded: boolean
  version: number
  my: {
    may_edit: boolean
    may_start: boolean
    may_end: boolean
    may_join: boolean
    may_answer: string[]
    may_replay: boolean
    role: 'lead' | 'room' | 'teacher' | 'observer' | null
  }
  recording: { state: RecordingProgress } | null
}

export interface ReceiverRequest {
  room_id: string
  accompanying_teacher_id?: string
  class_id?: string
}

export interface LessonRequest {
  kind: LessonKind
  title: string
  subject: string
  grade: string
  class_id?: string
  starts_at?: string
  ends_at?: string
  date?: string
  period?: number
  lead_room_id?: string
  lead_teacher_id?: string
  recorded: boolean
  receivers: ReceiverRequest[]
}

export interface LessonChange {
  version: number
  title?: string
  starts_at?: string
  ends_at?: string
  date?: string
  period?: number
}
