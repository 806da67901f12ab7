/** Subjects and grades by code, named in the page's language. */
import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { answer, api } from '../api/client'
import type { CodedName } from '../api/model'

export interface Choice {
  value: string
  label: string
}

export function choicesOf(items: readonly CodedName[], locale: string): Choice[] {
  return items.map(({ code, name }) => ({ value: code, label: locale === 'en' ? name.en : name.zh }))
}

export function useCatalogue() {
  const { locale } = useI18n()
  const subjects = useQuery({
    queryKey: ['subjects'], staleTime: Infinity, queryFn: () => answer(api.GET('/api/subjects')),
  })
  const grades = useQuery({ queryKey: ['grades'], staleTime: Infinity, queryFn: () => answer(api.GET('/api/grades')) })
  const subjectChoices = computed(() => choicesOf(subjects.data.value?.items ?? [], locale.value))
  const gradeChoices = computed(() => choicesOf(grades.data.value?.items ?? [], locale.value))
  const nameIn = (choices: Choice[], code: string) => choices.find((c) => c.value === code)?.label ?? code

  return {
    subjectChoices,
    gradeChoices,
    subjectName: (code: string) => nameIn(subjectChoices.value, code),
    gradeName: (code: string) => nameIn(gradeChoices.value, code),
  }
}
