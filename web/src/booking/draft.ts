/** What is being booked, as the form holds it, and the request it becomes. */
import type { LessonKind, LessonRequest, ReceiverRequest, Room, Teacher } from '../api/model'
import { addDays, instantOf, minuteOfDay, mondayOf } from '../time/zoned'

export interface ReceiverDraft {
  key: number
  room: Room | null
  teacher: Teacher | null
  classId: string
}

/** When: either a period of the lead school or times of the day, both on `date`. */
export interface WhenDraft {
  date: string
  way: 'period' | 'time'
  period: number | null
  starts: string
  ends: string
}

export interface LessonDraft {
  kind: LessonKind
  title: string
  subject: string
  grade: string
  classId: string
  when: WhenDraft
  leadRoom: Room | null
  leadTeacher: Teacher | null
  recorded: boolean
  receivers: ReceiverDraft[]
}

let nextKey = 1

export function emptyReceiver(): ReceiverDraft {
  return { key: nextKey++, room: null, teacher: null, classId: '' }
}

export function emptyWhen(date: string): WhenDraft {
  return { date, way: 'period', period: null, starts: '', ends: '' }
}

/** The day a booking begins with: today, at the weekend the Monday that follows. */
export function firstDay(today: string): string {
  const monday = mondayOf(today)
  return today > addDays(monday, 4) ? addDays(monday, 7) : today
}

export function emptyDraft(date: string): LessonDraft {
  return {
    kind: 'synchronous', title: '', subject: '', grade: '', classId: '', when: emptyWhen(date),
    leadRoom: null, leadTeacher: null, recorded: true, receivers: [emptyReceiver()],
  }
}

/** Whether the lesson repeats every week, until when, and what to do about weeks in which something is taken. */
export interface SeriesDraft {
  repeats: boolean
  until: string
  weeks: 'every' | 'odd' | 'even'
  without_clashing: boolean
}

const usualWeeks = 16

export function emptySeries(date: string): SeriesDraft {
  return { repeats: false, until: addDays(date, 7 * usualWeeks), weeks: 'every', without_clashing: false }
}

/** The draft with what the week grid chose: `?date=2026-09-07&period=3&school=…&school=…`. */
export function prefilled(draft: LessonDraft, query: Record<string, unknown>): LessonDraft {
  const date = typeof query.date === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(query.date) ? query.date : draft.when.date
  const period = Number(query.period) || null
  const schools = [query.school ?? []].flat()
  const receivers = schools.length ? schools.map(() => emptyReceiver()) : draft.receivers
  return { ...draft, when: { ...draft.when, date, period }, receivers }
}

/** Field name to message key. */
export type Faults = Record<string, string>

export function whenFaults(when: WhenDraft): Faults {
  const faults: Faults = {}
  if (!when.date) faults.date = 'booking.fault.date'
  if (when.way === 'period') {
    if (when.period === null) faults.period = 'booking.fault.period'
    return faults
  }
  if (!when.starts) faults.starts_at = 'booking.fault.time'
  if (!when.ends) faults.ends_at = 'booking.fault.time'
  else if (when.starts && minuteOfDay(when.ends) <= minuteOfDay(when.starts)) faults.ends_at = 'booking.fault.order'
  return faults
}

/** What is missing or impossible in the form; empty when it can be sent. */
export function draftFaults(draft: LessonDraft): Faults {
  const faults: Faults = { ...whenFaults(draft.when) }
  if (!draft.title.trim()) faults.title = 'booking.fault.title'
  if (!draft.subject) faults.subject = 'booking.fault.subject'
  if (!draft.grade) faults.grade = 'booking.fault.grade'
  if (draft.kind === 'synchronous' && draft.receivers.length === 0) faults.receivers = 'booking.fault.receivers'
  draft.receivers.forEach((receiver, index) => {
    if (!receiver.room) faults[`receivers.${index}.room_id`] = 'booking.fault.room'
  })
  return faults
}

export function whenRequest(when: WhenDraft, zone: string): Pick<LessonRequest, 'date' | 'period' | 'starts_at' | 'ends_at'> {
  if (when.way === 'period' && when.period !== null) return { date: when.date, period: when.period }
  const at = (time: string) => instantOf({ date: when.date, time }, zone).toISOString()
  return { starts_at: at(when.starts), ends_at: at(when.ends) }
}

export function receiverRequest(receiver: ReceiverDraft): ReceiverRequest {
  return {
    room_id: receiver.room?.id ?? '',
    accompanying_teacher_id: receiver.teacher?.id,
    class_id: receiver.classId || undefined,
  }
}

export function lessonRequest(draft: LessonDraft, zone: string): LessonRequest {
  return {
    kind: draft.kind,
    title: draft.title.trim(),
    subject: draft.subject,
    grade: draft.grade,
    class_id: draft.classId || undefined,
    ...whenRequest(draft.when, zone),
    lead_room_id: draft.leadRoom?.id,
    lead_teacher_id: draft.leadTeacher?.id,
    recorded: draft.recorded,
    receivers: draft.receivers.map(receiverRequest),
  }
}
