/** Rooms and their devices. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'
import type { RoomChange } from '../api/model'

const onlineCheckMs = 10_000

export interface RoomFilter {
  organisation_id?: string
  q?: string
  limit: number
  offset: number
}

export function useRooms(filter: MaybeRefOrGetter<RoomFilter>) {
  return useQuery({
    queryKey: computed(() => ['rooms', 'list', { ...toValue(filter) }]),
    queryFn: () => answer(api.GET('/api/rooms', { params: { query: { ...toValue(filter) } } })),
    placeholderData: keepPreviousData,
    refetchInterval: onlineCheckMs,
  })
}

export function useRoomDeed<Input>(deed: (input: Input) => Promise<unknown>) {
  const cache = useQueryClient()
  return useMutation({ mutationFn: deed, onSettled: () => cache.invalidateQueries({ queryKey: ['rooms'] }) })
}

export const roomDeeds = {
  create: (body: { organisation_id: string; name: string; can_lead: boolean }) => answer(api.POST('/api/rooms', { body })),
  change: ({ id, change }: { id: string; change: RoomChange }) =>
    answer(api.PATCH('/api/rooms/{room_id}', { params: { path: { room_id: id } }, body: change })),
  pair: ({ id, code }: { id: string; code: string }) =>
    answer(api.POST('/api/rooms/{room_id}/pairing', { params: { path: { room_id: id } }, body: { code } })),
  revoke: (id: string) => answer(api.DELETE('/api/rooms/{room_id}/device', { params: { path: { room_id: id } } })),
}
