/** Entry of the connection test: light, because it is opened where the line is bad. */
import { createApp } from 'vue'
import '../theme/tokens.css'
import './connection.css'
import ConnectionPage from './ConnectionPage.vue'
import { readSettings } from '../room/device-api'
import { createConnectionI18n } from './i18n'

const settings = await readSettings()
const i18n = createConnectionI18n(settings?.default_locale)
createApp(ConnectionPage, { timeZone: settings?.time_zone }).use(i18n).mount('#connection')
