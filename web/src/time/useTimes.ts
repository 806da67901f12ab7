/** Times as people of the deployment read them, in the page's language. */
import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { answer, api } from '../api/client'
import { daysText, writerOf, type TimeKind } from './formats'
import { wallTime } from './zoned'

export function useSettings() {
  return useQuery({
    queryKey: ['settings'],
    queryFn: () => answer(api.GET('/api/settings')),
    staleTime: Infinity,
  })
}

export function useTimes() {
  const { locale } = useI18n()
  const settings = useSettings()
  const zone = computed(() => settings.data.value?.time_zone ?? 'Asia/Shanghai')

  const write = computed(() => writerOf(locale.value, zone.value))
  /** Formats an ISO instant; empty where there is none. */
  const show = (kind: TimeKind, at: string | Date | null | undefined): string =>
    at ? write.value(kind, typeof at === 'string' ? new Date(at) : at) : ''
  const span = (from: string, to: string): string => `${show('time', from)}–${show('time', to)}`
  /** A day `YYYY-MM-DD` of the calendar, or from one to another. */
  const days = (from: string, to?: string): string => daysText(locale.value, from, to)
  const today = (): string => wallTime(new Date(), zone.value).date

  return { zone, show, span, days, today }
}
