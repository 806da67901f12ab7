/** Entry of the connection test: light, because it is opened where the line is bad. */
import { createApp } from 'vue'
import '../theme/tokens.css'
import './connection.css'
import ConnectionPage from './ConnectionPage.vue'
import { rememberedLocale } from '../i18n/locales'
import { readSettings } from '../room/device-api'
import { createConnectionI18n } from './i18n'

// Who chose a language does not wait for the deployment's.
const settings = rememberedLocale() ? null : await readSettings()
const i18n = createConnectionI18n(settings?.default_locale)
createApp(ConnectionPage).use(i18n).mount('#connection')
