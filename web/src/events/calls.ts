/** Events: questions and deeds. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'
import type { components } from '../api/schema'

type Schemas = components['schemas']
export type Event = Schemas['EventView']
export type Signup = Schemas['SignupView']
export type EventRequest = Schemas['EventRequest']

const lookMs = 20_000

export interface EventFilter {
  coming: boolean
  mine: boolean
  subject?: string
  q?: string
  limit: number
  offset: number
}

export function useEvents(filter: MaybeRefOrGetter<EventFilter>) {
  return useQuery({
    queryKey: computed(() => ['events', 'list', { ...toValue(filter) }]),
    queryFn: () => answer(api.GET('/api/events', { params: { query: { ...toValue(filter) } } })),
    placeholderData: keepPreviousData,
    refetchInterval: lookMs,
  })
}

export function useEvent(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['events', 'one', toValue(id)]),
    queryFn: () => answer(api.GET('/api/events/{event_id}', { params: { path: { event_id: toValue(id) } } })),
    refetchInterval: lookMs,
  })
}

export function useSignups(id: MaybeRefOrGetter<string>, page: MaybeRefOrGetter<{ limit: number; offset: number }>) {
  return useQuery({
    queryKey: computed(() => ['events', 'signups', toValue(id), { ...toValue(page) }]),
    queryFn: () => answer(api.GET('/api/events/{event_id}/signups', { params: { path: { event_id: toValue(id) }, query: { ...toValue(page) } } })),
    placeholderData: keepPreviousData,
    refetchInterval: lookMs,
  })
}

export function useEventDeed<Input, Output>(deed: (input: Input) => Promise<Output>) {
  const cache = useQueryClient()
  return useMutation({
    mutationFn: deed,
    onSettled: () => Promise.all([cache.invalidateQueries({ queryKey: ['events'] }), cache.invalidateQueries({ queryKey: ['lessons'] })]),
  })
}

const at = (id: string) => ({ path: { event_id: id } })

export const eventDeeds = {
  announce: (body: EventRequest) => answer(api.POST('/api/events', { body })),
  change: ({ id, body }: { id: string; body: Schemas['EventChange'] }) => answer(api.PATCH('/api/events/{event_id}', { params: at(id), body })),
  cancel: ({ id, reason }: { id: string; reason: string }) => answer(api.POST('/api/events/{event_id}/cancel', { params: at(id), body: { reason } })),
  signUp: ({ id, body }: { id: string; body: Schemas['SignupRequest'] }) => answer(api.POST('/api/events/{event_id}/signups', { params: at(id), body })),
  observe: (id: string) => answer(api.POST('/api/events/{event_id}/observing', { params: at(id) })),
  stopObserving: (id: string) => answer(api.DELETE('/api/events/{event_id}/observing', { params: at(id) })),
  withdraw: ({ id, signup }: { id: string; signup: string }) =>
    answer(api.DELETE('/api/events/{event_id}/signups/{signup_id}', { params: { path: { event_id: id, signup_id: signup } } })),
}
