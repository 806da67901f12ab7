/** The language of a person: chosen in the browser, kept with the account when signed in. */
import { answer, api } from '../api/client'
import { useLocale } from '../i18n'
import { isLocale, type Locale } from '../i18n/locales'
import { updateUser, useSession } from './session'

/** Shows the page in `locale`; the account is told too, and its failure to listen does not undo the switch. */
export async function changeLocale(locale: Locale): Promise<void> {
  await useLocale(locale)
  if (!useSession().user.value) return
  try {
    updateUser(await answer(api.PATCH('/api/account', { body: { locale } })))
  } catch {
    // This browser shows and remembers the language; the account takes it at the next change.
  }
}

/** After signing in: what the account last chose wins over what this browser remembers. */
export async function takeAccountLocale(locale: string | null | undefined): Promise<void> {
  if (isLocale(locale)) await useLocale(locale)
}
