/** Reading and writing notes, critiques, rubrics, comparisons, sample lessons and observations. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'
import type { components } from '../api/schema'

type Schemas = components['schemas']
export type Note = Schemas['NoteAnswer']
export type NoteKind = Note['kind']
export type NoteRequest = Schemas['NoteRequest']
export type Rubric = Schemas['RubricAnswer']
export type Criterion = Schemas['Criterion']
export type RubricRequest = Schemas['RubricRequest']
export type Critique = Schemas['CritiqueAnswer']
export type CritiqueItem = Schemas['CritiqueItem']
export type CritiqueRequest = Schemas['CritiqueRequest']
export type Sheet = Schemas['SheetAnswer']
export type SheetRequest = Schemas['SheetRequest']
export type Comparison = Schemas['ComparisonAnswer']
export type ComparisonRequest = Schemas['ComparisonRequest']
export type Phases = Schemas['Phases']
export type Sample = Schemas['SampleAnswer']
export type SampleReviewRequest = Schemas['SampleReviewRequest']

export const NOTE_KINDS: readonly NoteKind[] = ['note', 'praise', 'question', 'suggestion']

/** One question of this folder; all are asked again after a deed. */
export function useReview<Data>(key: MaybeRefOrGetter<readonly unknown[]>, ask: () => Promise<Data>, options: { enabled?: MaybeRefOrGetter<boolean>; everyMs?: number } = {}) {
  return useQuery({
    queryKey: computed(() => ['reviews', ...toValue(key)]),
    queryFn: ask,
    enabled: computed(() => toValue(options.enabled) ?? true),
    refetchInterval: options.everyMs ?? false,
  })
}

export function useDeed<Input, Output>(deed: (input: Input) => Promise<Output>) {
  const cache = useQueryClient()
  return useMutation({ mutationFn: deed, onSettled: () => cache.invalidateQueries({ queryKey: ['reviews'] }) })
}

const critique = (id: string) => ({ path: { critique_id: id } })
const sample = (id: string) => ({ path: { sample_id: id } })

export const reading = {
  notes: (lesson_id: string) => answer(api.GET('/api/lessons/{lesson_id}/notes', { params: { path: { lesson_id } } })),
  rubrics: () => answer(api.GET('/api/rubrics')),
  critiques: (query: { lesson_id?: string; mine?: boolean; limit?: number; offset?: number }) => answer(api.GET('/api/critiques', { params: { query } })),
  critique: (id: string) => answer(api.GET('/api/critiques/{critique_id}', { params: critique(id) })),
  reviewers: (lesson_id: string[]) => answer(api.GET('/api/reviewers', { params: { query: { lesson_id } } })),
  comparisons: (query: { limit?: number; offset?: number }) => answer(api.GET('/api/comparisons', { params: { query } })),
  comparison: (id: string) => answer(api.GET('/api/comparisons/{comparison_id}', { params: { path: { comparison_id: id } } })),
  observations: (year?: number) => answer(api.GET('/api/observations', { params: { query: { year } } })),
  observers: (year?: number) => answer(api.GET('/api/observations/people', { params: { query: { year } } })),
  samples: (query: { state?: Sample['state']; year?: number; limit?: number; offset?: number }) => answer(api.GET('/api/samples', { params: { query } })),
  figures: (year?: number) => answer(api.GET('/api/samples/figures', { params: { query: { year } } })),
  recordings: (q: string) => answer(api.GET('/api/recordings', { params: { query: { q: q || undefined, limit: 50 } } })),
}

export const deeds = {
  putNote: ({ lesson_id, note_id, note }: { lesson_id: string; note_id: string; note: NoteRequest }) =>
    answer(api.PUT('/api/lessons/{lesson_id}/notes/{note_id}', { params: { path: { lesson_id, note_id } }, body: note })),
  deleteNote: ({ lesson_id, note_id }: { lesson_id: string; note_id: string }) =>
    answer(api.DELETE('/api/lessons/{lesson_id}/notes/{note_id}', { params: { path: { lesson_id, note_id } } })),
  addRubric: (body: RubricRequest) => answer(api.POST('/api/rubrics', { body })),
  changeRubric: ({ id, body }: { id: string; body: RubricRequest }) => answer(api.PUT('/api/rubrics/{rubric_id}', { params: { path: { rubric_id: id } }, body })),
  deleteRubric: (id: string) => answer(api.DELETE('/api/rubrics/{rubric_id}', { params: { path: { rubric_id: id } } })),
  openCritique: (body: CritiqueRequest) => answer(api.POST('/api/critiques', { body })),
  writeSheet: ({ id, lesson_id, sheet }: { id: string; lesson_id: string; sheet: SheetRequest }) =>
    answer(api.PUT('/api/critiques/{critique_id}/lessons/{lesson_id}/sheet', { params: { path: { critique_id: id, lesson_id } }, body: sheet })),
  handIn: (id: string) => answer(api.POST('/api/critiques/{critique_id}/hand-in', { params: critique(id) })),
  closeCritique: (id: string) => answer(api.POST('/api/critiques/{critique_id}/close', { params: critique(id) })),
  reply: ({ id, sheet_id, text }: { id: string; sheet_id: string; text: string }) =>
    answer(api.POST('/api/critiques/{critique_id}/sheets/{sheet_id}/replies', { params: { path: { critique_id: id, sheet_id } }, body: { text } })),
  compare: (body: ComparisonRequest) => answer(api.POST('/api/comparisons', { body })),
  changeComparison: ({ id, change }: { id: string; change: Schemas['ComparisonChange'] }) =>
    answer(api.PATCH('/api/comparisons/{comparison_id}', { params: { path: { comparison_id: id } }, body: change })),
  deleteComparison: (id: string) => answer(api.DELETE('/api/comparisons/{comparison_id}', { params: { path: { comparison_id: id } } })),
  markPhases: ({ id, lesson_id, phases }: { id: string; lesson_id: string; phases: Phases }) =>
    answer(api.PUT('/api/comparisons/{comparison_id}/lessons/{lesson_id}/phases', { params: { path: { comparison_id: id, lesson_id } }, body: phases })),
  nominate: (body: Schemas['NominationRequest']) => answer(api.POST('/api/samples', { body })),
  review: ({ id, body }: { id: string; body: SampleReviewRequest }) => answer(api.POST('/api/samples/{sample_id}/review', { params: sample(id), body })),
  decide: ({ id, body }: { id: string; body: Schemas['DecisionRequest'] }) => answer(api.POST('/api/samples/{sample_id}/decision', { params: sample(id), body })),
  withdraw: (id: string) => answer(api.POST('/api/samples/{sample_id}/withdraw', { params: sample(id) })),
  publish: (id: string) => answer(api.POST('/api/samples/{sample_id}/publish', { params: sample(id) })),
  unpublish: (id: string) => answer(api.POST('/api/samples/{sample_id}/unpublish', { params: sample(id) })),
}
