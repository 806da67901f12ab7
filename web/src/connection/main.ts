/** Entry of the connection test: light, because it is opened where the line is bad. */
import { createApp } from 'vue'
import '../theme/tokens.css'
import './connection.css'
import ConnectionPage from './ConnectionPage.vue'
import { createConnectionI18n } from './i18n'

const i18n = await createConnectionI18n()
createApp(ConnectionPage).use(i18n).mount('#connection')
