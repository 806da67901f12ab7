/** Times as people of the deployment read them, in the page's language. */
import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { answer, api } from '../api/client'
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

  const formats = computed(() => {
    const format = (options: Intl.DateTimeFormatOptions) =>
      new Intl.DateTimeFormat(locale.value, { timeZone: zone.value, hourCycle: 'h23', ...options })
    return {
      day: format({ month: 'long', day: 'numeric', weekday: 'short' }),
      fullDay: format({ year: 'numeric', month: 'long', day: 'numeric', weekday: 'long' }),
      shortDay: format({ month: 'numeric', day: 'numeric' }),
      time: format({ hour: '2-digit', minute: '2-digit' }),
      moment: format({ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' }),
    }
  })

  type Kind = 'day' | 'fullDay' | 'shortDay' | 'time' | 'moment'
  /** Formats an ISO instant; empty where there is none. */
  const show = (kind: Kind, at: string | Date | null | undefined): string =>
    at ? formats.value[kind].format(typeof at === 'string' ? new Date(at) : at) : ''
  const span = (from: string, to: string): string => `${show('time', from)}–${show('time', to)}`
  const today = (): string => wallTime(new Date(), zone.value).date

  return { zone, show, span, today }
}
