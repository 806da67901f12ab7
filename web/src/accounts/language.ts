/** The language of a person: what this browser chose, else what the account says. */
import { answer, api } from '../api/client'
import { useLocale } from '../i18n'
import { isLocale, rememberedLocale, rememberLocale, type Locale } from '../i18n/locales'
import { updateUser, useSession } from './session'

/** Shows the page in `locale` from now on; the account is told too, and its failure to listen does not undo the switch. */
export async function changeLocale(locale: Locale): Promise<void> {
  rememberLocale(locale)
  await useLocale(locale)
  if (!useSession().user.value) return
  try {
    updateUser(await answer(api.PATCH('/api/account', { body: { locale } })))
  } catch {
    // This browser shows and remembers the language; the account takes it at the next change.
  }
}

/** Follows the account's language where nobody has chosen one in this browser. */
export async function followAccount(locale: string | null | undefined): Promise<void> {
  if (!rememberedLocale() && isLocale(locale)) await useLocale(locale)
}
