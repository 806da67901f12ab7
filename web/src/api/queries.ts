/** The cache of answers: fresh for a short while, repeated only where repeating can help. */
import { QueryClient } from '@tanstack/vue-query'
import { asProblem } from './problem'

const mostRepeats = 2

/** A refusal stays a refusal; an unreachable or failing service deserves another try. */
export function worthRepeating(failures: number, error: unknown): boolean {
  const { status } = asProblem(error)
  return failures < mostRepeats && (status === 0 || status >= 500)
}

/** A browser's word for being online is about the Internet; a school's own network may have none, and silence is no answer. */
const networkMode = 'always'

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { networkMode, retry: worthRepeating, staleTime: 5_000, refetchOnWindowFocus: true },
    mutations: { networkMode, retry: false },
  },
})
