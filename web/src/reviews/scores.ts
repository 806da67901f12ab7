/** Sums of a critique's forms; plain functions. */
import type { Criterion, Critique, Sheet } from './calls'

export function titleOf(criterion: Pick<Criterion, 'title' | 'title_en'>, locale: string): string {
  return locale === 'en' && criterion.title_en ? criterion.title_en : criterion.title
}

/** What is missing before a form can be handed in: the ids of criteria without points. */
export function unscored(criteria: readonly Criterion[], scores: Record<string, number | null | undefined>): string[] {
  return criteria.filter((criterion) => typeof scores[criterion.id] !== 'number').map((criterion) => criterion.id)
}

export function totalOf(scores: Record<string, number | null | undefined>): number {
  return Object.values(scores).reduce<number>((sum, score) => sum + (score ?? 0), 0)
}

export function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value): value is number => typeof value === 'number')
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null
}

/** The forms about one lesson that are handed in and readable. */
export function handedIn(critique: Critique, lessonId: string): Sheet[] {
  const done = new Set(critique.reviewers.filter((reviewer) => reviewer.handed_in_at).map((reviewer) => reviewer.id))
  return critique.sheets.filter((sheet) => sheet.lesson_id === lessonId && done.has(sheet.reviewer_id))
}

export function rounded(value: number | null): string {
  return value === null ? '–' : String(Math.round(value * 10) / 10)
}
