/** The languages of the product and the memory of the one this browser last chose. */

export const locales = ['zh-CN', 'en'] as const
export type Locale = (typeof locales)[number]
export const defaultLocale: Locale = 'zh-CN'

const storageKey = 'three-classrooms.locale'

/** A tree of messages: the leaves are texts in vue-i18n's message format. */
export interface Messages {
  [key: string]: string | Messages
}

export function isLocale(value: unknown): value is Locale {
  return locales.includes(value as Locale)
}

/** The language chosen in this browser; null where nothing was chosen or storage is refused. */
export function rememberedLocale(): Locale | null {
  try {
    const value = window.localStorage.getItem(storageKey)
    return isLocale(value) ? value : null
  } catch {
    return null
  }
}

export function rememberLocale(locale: Locale): void {
  try {
    window.localStorage.setItem(storageKey, locale)
  } catch {
    // A browser that refuses storage still gets the language until the page is closed.
  }
}
