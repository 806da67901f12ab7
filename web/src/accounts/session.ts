/** Who is signed in, shared by all pages. */
import { computed, shallowRef } from 'vue'
import { answer, api, setCsrfToken } from '../api/client'
import type { Session, User } from '../api/model'
import { ApiProblem } from '../api/problem'

const session = shallowRef<Session | null>(null)
let asked: Promise<void> | null = null

function take(value: Session | null): void {
  session.value = value
  setCsrfToken(value?.csrf_token ?? '')
}

async function ask(): Promise<void> {
  try {
    take(await answer(api.GET('/api/session')))
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 401) take(null)
    else throw error
  }
}

/** Asks the service once who is signed in; a failed question is asked again at the next call. */
export async function ensureSession(): Promise<Session | null> {
  asked ??= ask()
  try {
    await asked
  } catch (error) {
    asked = null
    throw error
  }
  return session.value
}

export async function signIn(username: string, password: string): Promise<Session> {
  const value = await answer(api.POST('/api/session', { body: { username, password } }))
  take(value)
  asked = Promise.resolve()
  return value
}

export async function signOut(): Promise<void> {
  try {
    await answer(api.DELETE('/api/session'))
  } catch (error) {
    // Already signed out on the service's side is what was wanted.
    if (!(error instanceof ApiProblem && error.status === 401)) throw error
  } finally {
    asked = null
  }
  take(null)
}

/** The service no longer knows us: forget who it was. */
export function forgetSession(): void {
  take(null)
  asked = Promise.resolve()
}

export function updateUser(user: User): void {
  if (session.value) session.value = { ...session.value, user }
}

/** A password of one's own was chosen: everything is open now. */
export function passwordChosen(): void {
  if (session.value) session.value = { ...session.value, must_change_password: false }
}

export function useSession() {
  return { session, user: computed(() => session.value?.user ?? null) }
}
