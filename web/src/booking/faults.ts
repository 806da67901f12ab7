/** Refusals of a booking, brought to the fields they are about. */
import type { ApiProblem, BookingConflict } from '../api/problem'
import type { Faults, LessonDraft } from './draft'

/** Clashes by the name of the field that holds what clashes. */
export function conflictsByField(draft: LessonDraft, conflicts: readonly BookingConflict[]): Record<string, BookingConflict[]> {
  const held: [string, string | undefined][] = [
    ['lead_room_id', draft.leadRoom?.id],
    ['lead_teacher_id', draft.leadTeacher?.id],
    ['class_id', draft.classId],
    ...draft.receivers.flatMap((receiver, index): [string, string | undefined][] => [
      [`receivers.${index}.room_id`, receiver.room?.id],
      [`receivers.${index}.accompanying_teacher_id`, receiver.teacher?.id],
      [`receivers.${index}.class_id`, receiver.classId],
    ]),
  ]
  const byField: Record<string, BookingConflict[]> = {}
  for (const conflict of conflicts) {
    if (conflict.lesson_id === null) continue
    const field = held.find(([, id]) => id === conflict.id)?.[0]
    if (field) byField[field] = [...(byField[field] ?? []), conflict]
  }
  return byField
}

/** The fields the service refused; its words are for programs, so each gets one message of ours. */
export function refusalFaults(problem: ApiProblem): Faults {
  return Object.fromEntries(problem.errors.map(({ field }) => [field, 'booking.fault.refused']))
}

/** A key by which the service knows a booking it is sent twice. Works without HTTPS too, unlike randomUUID. */
export function bookingKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
