/** Why a plan could not be made, in the reader's language where the reason is a known one. */
import { useI18n } from 'vue-i18n'

export function useFailureText() {
  const { t, te } = useI18n()

  return function failureText(plan: { failure: string; failure_code: string }): string {
    if (!plan.failure) return ''
    const known = `api.code.${plan.failure_code}`
    return plan.failure_code && te(known) ? t(known) : t('planning.failed', { reason: plan.failure })
  }
}
