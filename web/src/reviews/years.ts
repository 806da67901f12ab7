/** School years by the calendar year they begin in, in September. */

const FIRST_MONTH = 9
const OFFERED = 5

/** The school year of a day ("2026-11-22") and those before it, the newest first. */
export function schoolYears(today: string): number[] {
  const [year = 0, month = 1] = today.split('-').map(Number)
  const newest = month >= FIRST_MONTH ? year : year - 1
  return Array.from({ length: OFFERED }, (_, back) => newest - back)
}
