/** Entry of the people's page. */
import './theme/tokens.css'
import './theme/element-plus.css'
import './theme/base.css'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import { queryClient } from './api/queries'
import App from './App.vue'
import { i18n, startInRememberedLocale } from './i18n'
import { router } from './router'

await startInRememberedLocale()
createApp(App).use(i18n).use(router).use(VueQueryPlugin, { queryClient }).mount('#app')
