/** Plans, their demands and changes: questions and deeds. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { answer, api } from '../api/client'
import type { components } from '../api/schema'

type Schemas = components['schemas']
export type PlanBrief = Schemas['PlanBrief']
export type PlanView = Schemas['PlanView']
export type PlanResult = Schemas['PlanResult']
export type ShareRow = Schemas['ShareRow']
export type DemandRow = Schemas['DemandRow']
export type DemandState = DemandRow['state']
export type Why = Schemas['Why']
export type Change = Schemas['ChangeView']
export type ChangeKind = Change['kind']
export type Proposal = Schemas['ProposalView']
export type ChangeItem = Schemas['Item']
export type Assumption = Schemas['NewWhatIf']['assumption']
export type Target = Schemas['Target']
export type TargetKind = 'teachers' | 'rooms' | 'places' | 'relays' | 'classes' | 'served' | 'new_demands'
export type AreaCoverage = Schemas['AreaCoverage']
export type SchoolCoverage = Schemas['SchoolCoverage']
export type Difference = Schemas['ComparedDemand']['difference']
export type WeekTime = Schemas['WeekTime']

const progressMs = 700

export function isUnderWay(plan: { state: string } | undefined): boolean {
  return plan?.state === 'queued' || plan?.state === 'running'
}

export function usePlans() {
  return useQuery({
    queryKey: ['plans', 'list'],
    queryFn: () => answer(api.GET('/api/plans', { params: { query: { limit: 50 } } })),
    refetchInterval: (query) => (query.state.data?.items.some(isUnderWay) ? progressMs : false),
  })
}

export function usePlan(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['plans', 'one', toValue(id)]),
    queryFn: () => answer(api.GET('/api/plans/{plan_id}', { params: { path: { plan_id: toValue(id) } } })),
    enabled: computed(() => toValue(id) !== ''),
    refetchInterval: (query) => (isUnderWay(query.state.data) ? progressMs : false),
  })
}

export interface DemandFilter {
  state?: DemandState
  subject?: string
  q?: string
  limit: number
  offset: number
}

export function useDemands(id: MaybeRefOrGetter<string>, filter: MaybeRefOrGetter<DemandFilter>) {
  return useQuery({
    queryKey: computed(() => ['plans', 'demands', toValue(id), { ...toValue(filter) }]),
    queryFn: () => answer(api.GET('/api/plans/{plan_id}/demands', { params: { path: { plan_id: toValue(id) }, query: { ...toValue(filter) } } })),
    placeholderData: keepPreviousData,
  })
}

export function useWhy(id: MaybeRefOrGetter<string>, demand: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['plans', 'why', toValue(id), toValue(demand)]),
    queryFn: () =>
      answer(api.GET('/api/plans/{plan_id}/demands/{demand_id}/why', { params: { path: { plan_id: toValue(id), demand_id: toValue(demand) } } })),
    enabled: computed(() => toValue(demand) !== ''),
  })
}

export function useBinding(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['plans', 'binding', toValue(id)]),
    queryFn: () => answer(api.GET('/api/plans/{plan_id}/binding', { params: { path: { plan_id: toValue(id) } } })),
    enabled: computed(() => toValue(id) !== ''),
  })
}

export function useTargets(id: MaybeRefOrGetter<string>, kind: MaybeRefOrGetter<TargetKind>, q: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['plans', 'targets', toValue(id), toValue(kind), toValue(q)]),
    queryFn: () => answer(api.GET('/api/plans/{plan_id}/targets', { params: { path: { plan_id: toValue(id) }, query: { kind: toValue(kind), q: toValue(q) || undefined, limit: 50 } } })),
    enabled: computed(() => toValue(id) !== ''),
    placeholderData: (before, query) => (query?.queryKey[3] === toValue(kind) ? before : undefined),
  })
}

export function useCoverage(id: MaybeRefOrGetter<string>, subject: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: computed(() => ['plans', 'coverage', toValue(id), toValue(subject) ?? '']),
    queryFn: () => answer(api.GET('/api/plans/{plan_id}/coverage', { params: { path: { plan_id: toValue(id) }, query: { subject: toValue(subject) } } })),
    enabled: computed(() => toValue(id) !== ''),
    placeholderData: keepPreviousData,
  })
}

export function useSchools(id: MaybeRefOrGetter<string>, page: MaybeRefOrGetter<{ county_id?: string; q?: string; limit: number; offset: number }>) {
  return useQuery({
    queryKey: computed(() => ['plans', 'schools', toValue(id), { ...toValue(page) }]),
    queryFn: () => answer(api.GET('/api/plans/{plan_id}/schools', { params: { path: { plan_id: toValue(id) }, query: { ...toValue(page) } } })),
    enabled: computed(() => toValue(id) !== ''),
    placeholderData: keepPreviousData,
  })
}

export function useComparison(one: MaybeRefOrGetter<string>, other: MaybeRefOrGetter<string>, page: MaybeRefOrGetter<{ difference?: Difference; limit: number; offset: number }>) {
  return useQuery({
    queryKey: computed(() => ['plans', 'compare', toValue(one), toValue(other), { ...toValue(page) }]),
    queryFn: () => answer(api.GET('/api/plans/{plan_id}/compare/{other_id}', { params: { path: { plan_id: toValue(one), other_id: toValue(other) }, query: { ...toValue(page) } } })),
    enabled: computed(() => toValue(one) !== '' && toValue(other) !== ''),
    placeholderData: keepPreviousData,
  })
}

export function useChanges(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => ['changes', toValue(id)]),
    queryFn: () => answer(api.GET('/api/changes', { params: { query: { plan_id: toValue(id) } } })),
    enabled: computed(() => toValue(id) !== ''),
  })
}

export function useTerms() {
  return useQuery({ queryKey: ['terms'], queryFn: () => answer(api.GET('/api/terms')) })
}

export function useDeed<Input, Output>(deed: (input: Input) => Promise<Output>) {
  const cache = useQueryClient()
  return useMutation({
    mutationFn: deed,
    onSettled: () =>
      Promise.all([cache.invalidateQueries({ queryKey: ['plans'] }), cache.invalidateQueries({ queryKey: ['changes'] }), cache.invalidateQueries({ queryKey: ['lessons'] })]),
  })
}

export const deeds = {
  make: (body: Schemas['NewPlan']) => answer(api.POST('/api/plans', { body })),
  stop: (id: string) => answer(api.POST('/api/plans/{plan_id}/cancel', { params: { path: { plan_id: id } } })),
  whatIf: ({ id, assumption, by }: { id: string; assumption: Assumption; by: number }) =>
    answer(api.POST('/api/plans/{plan_id}/what-if', { params: { path: { plan_id: id } }, body: { assumption, by } })),
  accept: ({ id, body }: { id: string; body: Schemas['Acceptance'] }) =>
    answer(api.POST('/api/plans/{plan_id}/accept', { params: { path: { plan_id: id } }, body })),
  tell: (body: Schemas['NewChange']) => answer(api.POST('/api/changes', { body })),
  choose: ({ change, proposal, key }: { change: Change; proposal: string; key: string }) =>
    answer(
      api.POST('/api/changes/{change_id}/proposals/{proposal_id}/accept', {
        params: { path: { change_id: change.id, proposal_id: proposal }, header: { 'Idempotency-Key': key } },
        body: { base_version: change.base_version },
      }),
    ),
  withdraw: (id: string) => answer(api.POST('/api/changes/{change_id}/withdraw', { params: { path: { change_id: id } } })),
}
