/** vue-i18n for the people's page: one language is loaded, the other comes when it is asked for. */
import { nextTick } from 'vue'
import { createI18n } from 'vue-i18n'
import { answer, api } from '../api/client'
import { defaultLocale, isLocale, rememberedLocale, type Locale, type Messages } from './locales'

export const i18n = createI18n({
  legacy: false,
  locale: defaultLocale as string,
  fallbackLocale: defaultLocale as string,
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
  messages: {} as Record<string, Messages>,
})

const loaders: Record<Locale, () => Promise<{ default: Messages }>> = {
  'zh-CN': () => import('./zh-CN'),
  en: () => import('./en'),
}
const loaded = new Set<Locale>()

/** Shows the page in `locale`. */
export async function useLocale(locale: Locale): Promise<void> {
  if (!loaded.has(locale)) {
    i18n.global.setLocaleMessage(locale, (await loaders[locale]()).default)
    loaded.add(locale)
  }
  i18n.global.locale.value = locale
  document.documentElement.lang = locale
  await nextTick()
}

/** The language this browser chose; for a new visitor the one the deployment is set to. */
export async function startInRememberedLocale(): Promise<void> {
  await useLocale(rememberedLocale() ?? (await deploymentLocale()) ?? defaultLocale)
}

async function deploymentLocale(): Promise<Locale | null> {
  try {
    const { default_locale } = await answer(api.GET('/api/settings'))
    return isLocale(default_locale) ? default_locale : null
  } catch {
    // A service that is down is said by the page itself, in the usual language.
    return null
  }
}
