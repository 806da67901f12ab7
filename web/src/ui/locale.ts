/** Element Plus' own words (date pickers, empty selects) in the page's language, fetched when needed. */
import type { Language } from 'element-plus/es/locale'

export async function elementLocale(locale: string): Promise<Language> {
  const module = locale === 'en' ? await import('element-plus/es/locale/lang/en') : await import('element-plus/es/locale/lang/zh-cn')
  return module.default
}
