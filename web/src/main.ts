/** Entry of the people's page. */
import './theme/tokens.css'
import './theme/element-plus.css'
import './theme/base.css'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import { forgetSession } from './accounts/session'
import { whenSessionLost } from './api/client'
import { queryClient } from './api/queries'
import App from './App.vue'
import { i18n, startInRememberedLocale } from './i18n'
import { router } from './router'

// A session that ended in the middle of work leads to the sign-in and back to the same page.
whenSessionLost(() => {
  forgetSession()
  const here = router.currentRoute.value
  if (here.matched.length === 0 || here.meta.open) return
  void router.replace({ name: 'login', query: { next: here.fullPath, expired: '1' } })
})

await startInRememberedLocale()
createApp(App).use(i18n).use(router).use(VueQueryPlugin, { queryClient }).mount('#app')
