/** The inbox: what one is told, and that one has read it. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'
import type { components } from '../api/schema'

export type Notice = components['schemas']['NoticeView']

const lookMs = 60_000

/** How many notices are unread; looked at once a minute by whoever shows the number. */
export function useUnread() {
  return useQuery({
    queryKey: ['notices', 'unread'],
    queryFn: async () => (await answer(api.GET('/api/notices', { params: { query: { unread: true, limit: 1 } } }))).unread,
    refetchInterval: lookMs,
  })
}

export function useNotices(query: MaybeRefOrGetter<{ unread: boolean; limit: number; offset: number }>) {
  return useQuery({
    queryKey: computed(() => ['notices', 'list', { ...toValue(query) }]),
    queryFn: () => answer(api.GET('/api/notices', { params: { query: { ...toValue(query) } } })),
    placeholderData: keepPreviousData,
  })
}

export function useRead() {
  const cache = useQueryClient()
  return useMutation({
    mutationFn: (ids: string[] | null) => answer(api.POST('/api/notices/read', { body: { ids } })),
    onSettled: () => cache.invalidateQueries({ queryKey: ['notices'] }),
  })
}
