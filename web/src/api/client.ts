/**
 * The one way to the service: typed calls, the CSRF header on unsafe methods, problems as errors.
 * Light enough for the room page too.
 */
import createClient from 'openapi-fetch'
import { asProblem, problemFrom, type ApiProblem } from './problem'
import type { paths } from './schema'

let csrfToken = ''
let onSessionLost: () => void = () => undefined

/** The token that came with the session; empty when nobody is signed in. */
export function setCsrfToken(token: string): void {
  csrfToken = token
}

/** `handler` runs when the service no longer knows the session of this browser. */
export function whenSessionLost(handler: () => void): void {
  onSessionLost = handler
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

export const api = createClient<paths>({ credentials: 'same-origin' })

api.use({
  onRequest({ request }) {
    if (csrfToken && !safeMethods.has(request.method)) request.headers.set('X-CSRF-Token', csrfToken)
    return request
  },
})

interface Result<Data> {
  data?: Data
  error?: unknown
  response: Response
}

/**
 * The data of a call, or an ApiProblem thrown.
 *
 *     const lesson = await answer(api.GET('/api/lessons/{lesson_id}', { params: { path: { lesson_id: id } } }))
 */
export async function answer<Data>(call: Promise<Result<Data>>): Promise<Data> {
  let result: Result<Data>
  try {
    result = await call
  } catch (error) {
    throw asProblem(error)
  }
  if (result.response.ok) return result.data as Data
  const problem = problemFrom(result.response, result.error)
  if (isSessionLost(problem)) onSessionLost()
  throw problem
}

function isSessionLost(problem: ApiProblem): boolean {
  return problem.status === 401 && problem.code !== 'bad_credentials'
}
