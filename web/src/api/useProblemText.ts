/** Problems in the reader's language: by code, else by status, else the service's own words. */
import { useI18n } from 'vue-i18n'
import { asProblem } from './problem'

export function useProblemText() {
  const { t, te } = useI18n()

  return function problemText(error: unknown): string {
    const problem = asProblem(error)
    const byCode = `api.code.${problem.code}`
    if (te(byCode)) return t(byCode, { seconds: problem.retryAfter ?? 60 })
    if (problem.detail) return problem.detail
    const byStatus = `api.status.${problem.status}`
    return te(byStatus) ? t(byStatus) : t('api.code.unexpected')
  }
}
