/** Looking up rooms, teachers and classes while a person types. */
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, onScopeDispose, ref, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'
import type { Room, SchoolClass, Teacher } from '../api/model'

const pauseMs = 250
const mostShown = 50

/** What has been typed, once typing has paused. */
export function useTyped() {
  const typed = ref('')
  let timer: ReturnType<typeof setTimeout> | undefined
  onScopeDispose(() => clearTimeout(timer))

  function type(text: string): void {
    clearTimeout(timer)
    timer = setTimeout(() => {
      typed.value = text.trim()
    }, pauseMs)
  }
  return { typed, type }
}

interface RoomWish {
  q: string
  organisationId?: string
  canLead?: boolean
}

export function useRoomsFound(wish: MaybeRefOrGetter<RoomWish>) {
  return useQuery({
    queryKey: computed(() => ['rooms', 'found', { ...toValue(wish) }]),
    queryFn: async (): Promise<Room[]> => {
      const { q, organisationId, canLead } = toValue(wish)
      const query = { bookable: true, q: q || undefined, organisation_id: organisationId, limit: mostShown }
      const { items } = await answer(api.GET('/api/rooms', { params: { query } }))
      return canLead ? items.filter((room) => room.can_lead) : items
    },
    placeholderData: keepPreviousData,
  })
}

export function useTeachersFound(wish: MaybeRefOrGetter<{ q: string; organisationId?: string }>) {
  return useQuery({
    queryKey: computed(() => ['teachers', 'found', { ...toValue(wish) }]),
    queryFn: async (): Promise<Teacher[]> => {
      const { q, organisationId } = toValue(wish)
      const query = { q: q || undefined, organisation_id: organisationId, limit: mostShown }
      return (await answer(api.GET('/api/teachers', { params: { query } }))).items
    },
    placeholderData: keepPreviousData,
  })
}

export function useClassesOf(organisationId: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: computed(() => ['classes', toValue(organisationId) ?? '']),
    queryFn: async (): Promise<SchoolClass[]> => {
      const query = { organisation_id: toValue(organisationId), limit: 200 }
      return (await answer(api.GET('/api/classes', { params: { query } }))).items
    },
    enabled: computed(() => Boolean(toValue(organisationId))),
  })
}

/** The periods of a school on a day, by the bells of the season. */
export function usePeriodsOf(organisationId: MaybeRefOrGetter<string | undefined>, day: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['periods', toValue(organisationId) ?? '', toValue(day)]),
    queryFn: async () => {
      const params = { path: { organisation_id: toValue(organisationId) ?? '' }, query: { on: toValue(day) || undefined } }
      return (await answer(api.GET('/api/organisations/{organisation_id}/periods', { params }))).items
    },
    placeholderData: keepPreviousData,
    enabled: computed(() => Boolean(toValue(organisationId))),
  })
}
