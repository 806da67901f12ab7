/** The page's words in both languages: it is small, and whoever is asked for help may read the other one. */
import { createI18n } from 'vue-i18n'
import { defaultLocale, isLocale, rememberedLocale, type Locale } from '../i18n/locales'
import english from './messages.en'
import chinese from './messages.zh-CN'

/** `?locale=`, else what this browser chose, else the deployment's language. */
function pickLocale(deployments: string | undefined): Locale {
  const wished = new URLSearchParams(window.location.search).get('locale')
  if (isLocale(wished)) return wished
  return rememberedLocale() ?? (isLocale(deployments) ? deployments : defaultLocale)
}

export function createConnectionI18n(deployments: string | undefined) {
  const locale = pickLocale(deployments)
  document.documentElement.lang = locale
  const messages = { 'zh-CN': { connection: chinese }, en: { connection: english } }
  return createI18n({ legacy: false, locale, fallbackWarn: false, messages })
}
