/** The filter of the usage report as the service takes it, and the address of an export with the same filter. */
import type { LessonKind } from '../api/model'

export interface UsageFilter {
  organisation_id?: string
  from?: string
  to?: string
  kind?: LessonKind
  subject?: string
}

/** Only what really restricts. */
export function withoutEmpty(filter: Record<string, string>): UsageFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''))
}

export function exportAddress(format: 'csv' | 'xlsx', filter: UsageFilter, locale: string): string {
  return `/api/usage.${format}?${new URLSearchParams({ ...filter, locale }).toString()}`
}
