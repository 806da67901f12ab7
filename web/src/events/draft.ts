/** An event as its form holds it, what is wrong with it, and the request it becomes. Pure. */
import type { Room, Teacher } from '../api/model'
import { whenFaults, whenRequest, type Faults, type WhenDraft } from '../booking/draft'
import { addDays, instantOf } from '../time/zoned'
import type { EventRequest } from './calls'

export interface EventDraft {
  kind: EventRequest['kind']
  title: string
  subject: string
  grade: string
  description: string
  leadRoom: Room | null
  leadTeacher: Teacher | null
  invited: string
  meetings: WhenDraft[]
  quota: number
  waitingLimit: number
  countyQuota: number | null
  untilDate: string
  untilTime: string
  recorded: boolean
}

export const mostMeetings = 40

export function emptyEvent(today: string, when: (date: string) => WhenDraft): EventDraft {
  return {
    kind: 'famous_teacher', title: '', subject: '', grade: '', description: '', leadRoom: null, leadTeacher: null, invited: '',
    meetings: [when(addDays(today, 7))], quota: 30, waitingLimit: 20, countyQuota: null, untilDate: addDays(today, 6), untilTime: '18:00', recorded: true,
  }
}

/** Another lesson of the course: a week after the last, at the same hour. */
export function weekLater(meetings: readonly WhenDraft[]): WhenDraft {
  const last = meetings.at(-1)
  if (!last) throw new Error('a course has at least one lesson')
  return { ...last, date: addDays(last.date, 7) }
}

export function eventFaults(draft: EventDraft, choosesTeacher: boolean): Faults {
  const faults: Faults = {}
  if (!draft.title.trim()) faults.title = 'booking.fault.title'
  if (!draft.subject) faults.subject = 'booking.fault.subject'
  if (!draft.grade) faults.grade = 'booking.fault.grade'
  if (choosesTeacher && !draft.leadTeacher) faults.lead_teacher_id = 'booking.fault.leadTeacher'
  if (!(draft.quota >= 1 && draft.quota <= 200)) faults.quota = 'events.fault.quota'
  if (!(draft.waitingLimit >= 0 && draft.waitingLimit <= 1000)) faults.waiting_limit = 'events.fault.waiting'
  if (!draft.untilDate || !draft.untilTime) faults.signup_until = 'events.fault.until'
  draft.meetings.forEach((when, index) => {
    for (const [field, message] of Object.entries(whenFaults(when))) faults[`meetings.${index}.${field}`] = message
  })
  return faults
}

export function eventRequest(draft: EventDraft, zone: string): EventRequest {
  return {
    kind: draft.kind,
    title: draft.title.trim(),
    subject: draft.subject,
    grade: draft.grade,
    description: draft.description.trim(),
    organisation_id: draft.invited || undefined,
    lead_room_id: draft.leadRoom?.id,
    lead_teacher_id: draft.leadTeacher?.id,
    recorded: draft.recorded,
    meetings: draft.meetings.map((when) => whenRequest(when, zone)),
    quota: draft.quota,
    waiting_limit: draft.waitingLimit,
    county_quota: draft.countyQuota || undefined,
    signup_until: instantOf({ date: draft.untilDate, time: draft.untilTime }, zone).toISOString(),
  }
}
