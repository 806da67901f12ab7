/** Accounts as administrators keep them. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'
import type { Role } from '../api/model'

export interface PeopleFilter {
  organisation_id?: string
  role?: Role
  q?: string
  limit: number
  offset: number
}

export interface NewPerson {
  username: string
  password: string
  display_name: string
  role: Role
  organisation_id: string
}

export function usePeople(filter: MaybeRefOrGetter<PeopleFilter>) {
  return useQuery({
    queryKey: computed(() => ['people', { ...toValue(filter) }]),
    queryFn: () => answer(api.GET('/api/users', { params: { query: { ...toValue(filter) } } })),
    placeholderData: keepPreviousData,
  })
}

export function usePersonDeed<Input>(deed: (input: Input) => Promise<unknown>) {
  const cache = useQueryClient()
  return useMutation({ mutationFn: deed, onSettled: () => cache.invalidateQueries({ queryKey: ['people'] }) })
}

export const personDeeds = {
  create: (body: NewPerson) => answer(api.POST('/api/users', { body })),
  change: ({ id, change }: { id: string; change: { display_name?: string; role?: Role; organisation_id?: string; disabled?: boolean } }) =>
    answer(api.PATCH('/api/users/{user_id}', { params: { path: { user_id: id } }, body: change })),
  resetPassword: ({ id, password }: { id: string; password: string }) =>
    answer(api.POST('/api/users/{user_id}/password', { params: { path: { user_id: id } }, body: { password } })),
}
