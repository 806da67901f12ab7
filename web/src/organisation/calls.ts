/** The organisation tree below the signed-in person. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'

export function useOrganisations() {
  const question = useQuery({
    queryKey: ['organisations'], staleTime: 60_000, queryFn: () => answer(api.GET('/api/organisations')),
  })
  const items = computed(() => question.data.value?.items ?? [])
  return { question, items, schools: computed(() => items.value.filter((item) => item.kind === 'school')) }
}

/** Special days and seasons that hold at an organisation. What is being edited is not fetched again under the editor. */
export function useCalendarOf(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['periods', 'calendar', toValue(id)]),
    queryFn: () => answer(api.GET('/api/organisations/{organisation_id}/calendar', { params: { path: { organisation_id: toValue(id) } } })),
    refetchOnWindowFocus: false,
  })
}

export function useOrganisationDeed<Input, Output>(deed: (input: Input) => Promise<Output>) {
  const cache = useQueryClient()
  return useMutation({
    mutationFn: deed,
    onSettled: async () => {
      await cache.invalidateQueries({ queryKey: ['organisations'] })
      await cache.invalidateQueries({ queryKey: ['periods'] })
    },
  })
}
