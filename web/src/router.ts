/** The pages and who may open them without signing in. Each page is a chunk of its own. */
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { ensureSession } from './accounts/session'

declare module 'vue-router' {
  interface RouteMeta {
    /** Key of the page's title in the messages. */
    title?: string
    /** Open to a visitor who has not signed in. */
    open?: boolean
  }
}

/** A page that is an entry of its own: the way there (after signing in, say) leaves this one. */
function leaveFor(path: string): false {
  window.location.assign(path)
  return false
}

const routes: RouteRecordRaw[] = [
  { path: '/login', name: 'login', component: () => import('./accounts/LoginPage.vue'), meta: { title: 'accounts.signIn', open: true } },
  { path: '/setup', name: 'setup', component: () => import('./accounts/SetupPage.vue'), meta: { title: 'accounts.setup.title', open: true } },
  { path: '/', name: 'home', component: () => import('./home/HomePage.vue'), meta: { title: 'home.title' } },
  { path: '/lessons', name: 'lessons', component: () => import('./lessons/LessonsPage.vue'), meta: { title: 'lessons.title' } },
  { path: '/lessons/new', name: 'booking', component: () => import('./booking/BookingPage.vue'), meta: { title: 'booking.title' } },
  { path: '/lessons/:id', name: 'lesson', component: () => import('./lessons/LessonPage.vue'), props: true, meta: { title: 'lessons.lesson' } },
  { path: '/lessons/:id/replay', name: 'replay', component: () => import('./replay/ReplayPage.vue'), props: true, meta: { title: 'recordings.replay' } },
  { path: '/reviews', name: 'reviews', component: () => import('./reviews/CritiquesPage.vue'), meta: { title: 'reviews.title' } },
  { path: '/reviews/critiques/:id', name: 'critique', component: () => import('./reviews/CritiquePage.vue'), props: true, meta: { title: 'reviews.critique.title' } },
  { path: '/reviews/comparisons', name: 'comparisons', component: () => import('./reviews/ComparisonsPage.vue'), meta: { title: 'reviews.comparison.title' } },
  { path: '/reviews/comparisons/:id', name: 'comparison', component: () => import('./reviews/ComparePage.vue'), props: true, meta: { title: 'reviews.comparison.title' } },
  { path: '/reviews/observations', name: 'observations', component: () => import('./reviews/ObservationsPage.vue'), meta: { title: 'reviews.observation.title' } },
  { path: '/reviews/library', name: 'library', component: () => import('./reviews/LibraryPage.vue'), meta: { title: 'reviews.library.title' } },
  { path: '/reviews/samples', name: 'samples', component: () => import('./reviews/SamplesPage.vue'), meta: { title: 'reviews.sample.title' } },
  { path: '/reviews/rubrics', name: 'rubrics', component: () => import('./reviews/RubricsPage.vue'), meta: { title: 'reviews.rubric.plural' } },
  { path: '/week', name: 'week', component: () => import('./week/WeekPage.vue'), meta: { title: 'week.title' } },
  { path: '/events', name: 'events', component: () => import('./events/EventsPage.vue'), meta: { title: 'events.title' } },
  { path: '/events/new', name: 'event-new', component: () => import('./events/AnnouncePage.vue'), meta: { title: 'events.announce' } },
  { path: '/events/:id', name: 'event', component: () => import('./events/EventPage.vue'), props: true, meta: { title: 'events.title' } },
  { path: '/notices', name: 'notices', component: () => import('./notices/NoticesPage.vue'), meta: { title: 'notices.title' } },
  { path: '/recordings', name: 'recordings', component: () => import('./recordings/RecordingsPage.vue'), meta: { title: 'recordings.title' } },
  { path: '/planning', name: 'planning', component: () => import('./planning/PlanPage.vue'), meta: { title: 'planning.title' } },
  { path: '/planning/changes', name: 'planning-changes', component: () => import('./planning/ChangePage.vue'), meta: { title: 'planning.changes' } },
  { path: '/planning/coverage', name: 'planning-coverage', component: () => import('./planning/CoveragePage.vue'), meta: { title: 'planning.coverageTitle' } },
  { path: '/planning/compare', name: 'planning-compare', component: () => import('./planning/ComparePage.vue'), meta: { title: 'planning.compare' } },
  { path: '/planning/binding', name: 'planning-binding', component: () => import('./planning/BindingPage.vue'), meta: { title: 'planning.binding' } },
  { path: '/usage', name: 'usage', component: () => import('./usage/UsagePage.vue'), meta: { title: 'usage.title' } },
  { path: '/usage/audit', name: 'audit', component: () => import('./audit/AuditPage.vue'), meta: { title: 'audit.title' } },
  { path: '/rooms', name: 'rooms', component: () => import('./rooms/RoomsPage.vue'), meta: { title: 'rooms.title' } },
  { path: '/people', name: 'people', component: () => import('./accounts/PeoplePage.vue'), meta: { title: 'accounts.people' } },
  { path: '/organisation', name: 'organisation', component: () => import('./organisation/OrganisationPage.vue'), meta: { title: 'organisation.title' } },
  { path: '/exchange', name: 'exchange', component: () => import('./exchange/ExchangePage.vue'), meta: { title: 'exchange.title' } },
  { path: '/account', name: 'account', component: () => import('./accounts/AccountPage.vue'), meta: { title: 'accounts.account' } },
  { path: '/connection-test', component: () => import('./shell/MissingPage.vue'), meta: { open: true }, beforeEnter: () => leaveFor('/connection-test') },
  { path: '/:missing(.*)*', name: 'missing', component: () => import('./shell/MissingPage.vue'), meta: { title: 'shell.missing', open: true } },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  const session = await ensureSession()
  if (session?.must_change_password && to.name !== 'account') return { name: 'account' }
  return session ? true : { name: 'login', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
})
