/** vue-i18n for the people's page: one language is loaded, the other comes when it is asked for. */
import { nextTick } from 'vue'
import { createI18n } from 'vue-i18n'
import { defaultLocale, rememberedLocale, type Locale, type Messages } from './locales'

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

export async function startInRememberedLocale(): Promise<void> {
  await useLocale(rememberedLocale() ?? defaultLocale)
}
