/** The week grid's questions. */
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'
import type { components } from '../api/schema'

type Schemas = components['schemas']
export type WeekGrid = Schemas['WeekGrid']
export type SchoolWeek = Schemas['SchoolWeek']
export type GridPeriod = Schemas['GridPeriod']
export type School = Schemas['SchoolView']

export function useWeekGrid(monday: MaybeRefOrGetter<string>, schools: MaybeRefOrGetter<string[]>, teacher?: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: computed(() => ['lessons', 'week', toValue(monday), toValue(schools), toValue(teacher) ?? '']),
    queryFn: () => answer(api.GET('/api/week', { params: { query: { monday: toValue(monday), school_id: toValue(schools), teacher_id: toValue(teacher) } } })),
    enabled: computed(() => toValue(schools).length > 0),
    placeholderData: keepPreviousData,
  })
}

export function usePartners() {
  return useQuery({ queryKey: ['lessons', 'partners'], queryFn: () => answer(api.GET('/api/week/partners')) })
}
