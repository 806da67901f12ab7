/** Reading lessons and doing things to them; everything done refreshes what is on the screen. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'
import type { Lesson, LessonChange, LessonState, ReplaceReceiverRequest } from '../api/model'

export interface LessonFilter {
  from?: string
  to?: string
  state?: LessonState
  mine?: boolean
  awaiting?: boolean
  latest_first?: boolean
  limit?: number
  offset?: number
}

const watchingMs = 5_000
const waitingMs = 15_000

/** How often a page repeats its question: a running lesson changes by the second, an ended one only by its recording. */
export function repeatMs(lesson: Lesson | undefined): number | false {
  if (!lesson) return false
  if (lesson.state === 'live') return watchingMs
  if (lesson.state === 'booked') return waitingMs
  const processing = lesson.recording?.state === 'processing' || lesson.recording?.state === 'recording'
  return processing ? watchingMs : false
}

export function useLesson(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['lessons', 'one', toValue(id)]),
    queryFn: () => answer(api.GET('/api/lessons/{lesson_id}', { params: { path: { lesson_id: toValue(id) } } })),
    refetchInterval: (query) => repeatMs(query.state.data),
  })
}

export function useLessons(filter: MaybeRefOrGetter<LessonFilter>) {
  return useQuery({
    queryKey: computed(() => ['lessons', 'list', { ...toValue(filter) }]),
    queryFn: () => answer(api.GET('/api/lessons', { params: { query: { ...toValue(filter) } } })),
    placeholderData: keepPreviousData,
    refetchInterval: waitingMs,
  })
}

/** A deed on a lesson: `useDeed((lesson) => call)`, with everything that shows lessons asked again afterwards. */
export function useDeed<Input, Output>(deed: (input: Input) => Promise<Output>) {
  const cache = useQueryClient()
  return useMutation({
    mutationFn: deed,
    onSettled: () => cache.invalidateQueries({ queryKey: ['lessons'] }),
  })
}

const at = (id: string) => ({ path: { lesson_id: id } })

export const lessonDeeds = {
  start: (id: string) => answer(api.POST('/api/lessons/{lesson_id}/start', { params: at(id) })),
  end: (id: string) => answer(api.POST('/api/lessons/{lesson_id}/end', { params: at(id) })),
  cancel: ({ id, reason }: { id: string; reason: string }) =>
    answer(api.POST('/api/lessons/{lesson_id}/cancel', { params: at(id), body: { reason } })),
  change: ({ id, change }: { id: string; change: LessonChange }) =>
    answer(api.PATCH('/api/lessons/{lesson_id}', { params: at(id), body: change })),
  changeRest: ({ id, change }: { id: string; change: LessonChange }) =>
    answer(api.PATCH('/api/lessons/{lesson_id}/rest', { params: at(id), body: change })),
  cancelRest: ({ id, reason }: { id: string; reason: string }) =>
    answer(api.POST('/api/lessons/{lesson_id}/rest/cancel', { params: at(id), body: { reason } })),
  addReceiver: ({ id, receiver }: { id: string; receiver: ReplaceReceiverRequest }) =>
    answer(api.POST('/api/lessons/{lesson_id}/receivers', { params: at(id), body: receiver })),
  withdraw: ({ id, receiverId }: { id: string; receiverId: string }) =>
    answer(api.DELETE('/api/lessons/{lesson_id}/receivers/{receiver_id}', { params: { path: { lesson_id: id, receiver_id: receiverId } } })),
  accept: ({ id, receiverId }: { id: string; receiverId: string }) =>
    answer(api.POST('/api/lessons/{lesson_id}/receivers/{receiver_id}/accept', {
      params: { path: { lesson_id: id, receiver_id: receiverId } },
    })),
  decline: ({ id, receiverId, note }: { id: string; receiverId: string; note: string }) =>
    answer(api.POST('/api/lessons/{lesson_id}/receivers/{receiver_id}/decline', {
      params: { path: { lesson_id: id, receiver_id: receiverId } }, body: { note },
    })),
}
