/** A notice as the values of its sentence: moments become words, lists are counted. Pure but for what it is given. */
import type { Notice } from './calls'

/** One lesson a change touches, as the notice tells it. */
export interface ToldItem {
  action: string
  starts_at: string
  new_starts_at: string | null
  subject: string
  teacher: string
  new_teacher: string | null
  who: string
  lesson_id: string | null
}

export const knownKinds = [
  'lesson_asked', 'lesson_to_lead', 'lesson_moved', 'lesson_moved_told', 'series_moved_told', 'lesson_cancelled', 'series_moved', 'series_cancelled', 'receiver_accepted', 'receiver_declined',
  'receiver_withdrawn', 'receiver_expired', 'signup_seated', 'signup_unseated', 'signup_passed_over', 'signup_removed', 'event_cancelled',
  'plan_accepted', 'change_applied', 'change_taken_back',
  'disk_warned', 'disk_room_pictures', 'disk_lead_pictures', 'disk_room_sound', 'disk_all', 'recording_trouble', 'making_failed', 'journals_unreadable',
] as const

export function isKnown(kind: string): boolean {
  return (knownKinds as readonly string[]).includes(kind)
}

const moments = ['starts_at', 'before', 'first']

/** What the sentence of the notice speaks of; moments shown by `show`. */
export function valuesOf(notice: Pick<Notice, 'data'>, show: (at: string) => string): Record<string, string | number> {
  const values: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(notice.data)) {
    if (typeof value === 'number') values[name] = value
    else if (typeof value === 'string') values[name] = moments.includes(name) ? show(value) : value
  }
  return values
}

export function itemsOf(notice: Pick<Notice, 'data'>): ToldItem[] {
  const items = notice.data.items
  return Array.isArray(items) ? (items as ToldItem[]) : []
}

/** Where the notice leads; nothing for those that name their lessons themselves. */
export function linkOf(notice: Pick<Notice, 'kind' | 'lesson_id' | 'event_id'>): string | null {
  if (notice.event_id) return `/events/${notice.event_id}`
  if (notice.kind === 'plan_accepted') return '/lessons'
  return notice.lesson_id ? `/lessons/${notice.lesson_id}` : null
}
