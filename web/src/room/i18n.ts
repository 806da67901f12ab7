/** The room page's words: its own and the live lesson's, nothing else, and only in the language it shows. */
import { createI18n } from 'vue-i18n'
import { defaultLocale, isLocale, rememberLocale, rememberedLocale, type Locale, type Messages } from '../i18n/locales'
import { readSettings } from './device-api'

async function messagesOf(locale: Locale): Promise<Messages> {
  const [room, live] =
    locale === 'en'
      ? await Promise.all([import('./messages.en'), import('../live/messages.en')])
      : await Promise.all([import('./messages.zh-CN'), import('../live/messages.zh-CN')])
  return { room: room.default, live: live.default }
}

/** `?locale=` (which is then remembered), else what was remembered, else the deployment's language. */
async function pickLocale(): Promise<Locale> {
  const wished = new URLSearchParams(window.location.search).get('locale')
  if (isLocale(wished)) {
    rememberLocale(wished)
    return wished
  }
  const settings = await readSettings()
  return rememberedLocale() ?? (isLocale(settings?.default_locale) ? settings.default_locale : defaultLocale)
}

export async function createRoomI18n() {
  const locale = await pickLocale()
  document.documentElement.lang = locale
  return createI18n({ legacy: false, locale, fallbackWarn: false, messages: { [locale]: await messagesOf(locale) } })
}
