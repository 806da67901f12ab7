/** The page's words in both languages: it is small, and whoever is asked for help may read the other one. */
import { createI18n } from 'vue-i18n'
import { defaultLocale, isLocale, rememberedLocale, type Locale } from '../i18n/locales'
import { readSettings } from '../room/device-api'
import english from './messages.en'
import chinese from './messages.zh-CN'

/** `?locale=`, else what this browser chose, else the deployment's language. */
async function pickLocale(): Promise<Locale> {
  const wished = new URLSearchParams(window.location.search).get('locale')
  if (isLocale(wished)) return wished
  const settings = rememberedLocale() ? null : await readSettings()
  return rememberedLocale() ?? (isLocale(settings?.default_locale) ? settings.default_locale : defaultLocale)
}

export async function createConnectionI18n() {
  const locale = await pickLocale()
  document.documentElement.lang = locale
  const messages = { 'zh-CN': { connection: chinese }, en: { connection: english } }
  return createI18n({ legacy: false, locale, fallbackWarn: false, messages })
}
