import { describe, expect, it } from 'vitest'
import type { Room, Teacher } from '../api/model'
import type { BookingConflict } from '../api/problem'
import { draftFaults, emptyDraft, emptyReceiver, firstDay, lessonRequest, prefilled, type LessonDraft } from './draft'
import { bookingKey, conflictsByField } from './faults'

const school = { id: 's1', name: 'School', county: 'County' }
const room = (id: string): Room => ({ id, name: id, school, can_lead: true, recording_consent: 'granted', device: null })
const teacher = (id: string): Teacher => ({ id, display_name: id, school: { id: 's1', name: 'School', kind: 'school', path: '/s1/' } })

function filled(): LessonDraft {
  return {
    ...emptyDraft('2026-11-24'),
    title: ' Fractions ', subject: 'mathematics', grade: 'grade_3', leadRoom: room('lead'),
    when: { date: '2026-11-24', way: 'period', period: 3, starts: '10:20', ends: '11:00' },
    receivers: [{ ...emptyReceiver(), room: room('r1'), teacher: teacher('t1'), classId: 'c1' }],
  }
}

describe('a booking form', () => {
  it.each([['2026-11-20', '2026-11-20'], ['2026-11-21', '2026-11-23'], ['2026-11-22', '2026-11-23'], ['2026-11-23', '2026-11-23']])('begun on %s is for %s: nobody books for a Sunday', (today, day) => {
    expect(firstDay(today)).toBe(day)
  })

  it('that is empty names what is missing', () => {
    expect(Object.keys(draftFaults(emptyDraft('2026-11-24'))).sort()).toEqual(['grade', 'period', 'receivers.0.room_id', 'subject', 'title'])
  })

  it('that is filled has no fault and sends the period, not the times', () => {
    expect(draftFaults(filled())).toEqual({})
    expect(lessonRequest(filled(), 'Asia/Shanghai')).toEqual({
      kind: 'synchronous', title: 'Fractions', subject: 'mathematics', grade: 'grade_3', class_id: undefined,
      date: '2026-11-24', period: 3, lead_room_id: 'lead', lead_teacher_id: undefined, recorded: true,
      receivers: [{ room_id: 'r1', accompanying_teacher_id: 't1', class_id: 'c1' }],
    })
  })

  it('sends explicit times as instants of the deployment', () => {
    const draft = filled()
    draft.when.way = 'time'
    expect(lessonRequest(draft, 'Asia/Shanghai')).toMatchObject({ starts_at: '2026-11-24T02:20:00.000Z', ends_at: '2026-11-24T03:00:00.000Z' })
  })

  it('refuses an end before the start', () => {
    const draft = filled()
    draft.when = { ...draft.when, way: 'time', ends: '10:20' }
    expect(draftFaults(draft)).toEqual({ ends_at: 'booking.fault.order' })
  })

  it('needs a receiving room only in a synchronous lesson', () => {
    expect(draftFaults({ ...filled(), receivers: [] })).toEqual({ receivers: 'booking.fault.receivers' })
    expect(draftFaults({ ...filled(), kind: 'famous_teacher', receivers: [] })).toEqual({})
  })
})

describe('clashes', () => {
  const clash = (id: string, resource: BookingConflict['resource']): BookingConflict =>
    ({ resource, id, name: id, lesson_id: 'x', lesson_title: 'Other', starts_at: '', ends_at: '' })

  it('stand at the field that holds what clashes', () => {
    const byField = conflictsByField(filled(), [clash('t1', 'teacher'), clash('lead', 'room'), clash('c1', 'class'), clash('nobody', 'teacher')])
    expect(Object.keys(byField).sort()).toEqual(['lead_room_id', 'receivers.0.accompanying_teacher_id', 'receivers.0.class_id'])
  })
})

describe('the key of a booking', () => {
  it('is made of visible characters and never the same', () => {
    expect(bookingKey()).toMatch(/^[0-9a-f]{32}$/)
    expect(bookingKey()).not.toBe(bookingKey())
  })
})

describe('a draft the week grid began', () => {
  it('has the day, the period and a receiver for each school', () => {
    const draft = prefilled(emptyDraft('2026-09-01'), { date: '2026-09-08', period: '3', school: ['a', 'b'] })
    expect(draft.when).toMatchObject({ date: '2026-09-08', period: 3 })
    expect(draft.receivers).toHaveLength(2)
  })

  it('stays as it was where the address says nothing of use', () => {
    const draft = prefilled(emptyDraft('2026-09-01'), { date: 'soon', period: 'x' })
    expect(draft.when).toMatchObject({ date: '2026-09-01', period: null })
    expect(draft.receivers).toHaveLength(1)
  })
})
