/** Weekdays and times of the typical week in the page's language. */
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import type { WeekTime } from './calls'
import { weekTimeText } from './words'

const aMonday = Date.UTC(2026, 8, 7)
const dayMs = 86_400_000

export function useWeek() {
  const { locale } = useI18n()
  const weekdays = computed(() => {
    const format = new Intl.DateTimeFormat(locale.value, { weekday: 'short', timeZone: 'UTC' })
    return [0, 1, 2, 3, 4, 5, 6].map((day) => format.format(new Date(aMonday + day * dayMs)))
  })
  return { weekTime: (time: WeekTime): string => weekTimeText(time, weekdays.value) }
}
