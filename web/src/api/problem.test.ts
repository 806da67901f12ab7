import { describe, expect, it } from 'vitest'
import { asProblem, problemFrom } from './problem'
import { worthRepeating } from './queries'

describe('problems', () => {
  it('carry code, fields, clashes and waiting time of a problem document', () => {
    const response = new Response(null, { status: 409, headers: { 'Retry-After': '30' } })
    const conflict = { resource: 'room', id: 'r', name: 'A', lesson_id: 'l', lesson_title: 'B', starts_at: 's', ends_at: 'e' }
    const problem = problemFrom(response, { code: 'booking_conflict', detail: 'taken', errors: [{ field: 'title', message: 'm' }], conflicts: [conflict] })
    expect(problem).toMatchObject({ status: 409, code: 'booking_conflict', detail: 'taken', retryAfter: 30 })
    expect(problem.errors).toEqual([{ field: 'title', message: 'm' }])
    expect(problem.conflicts).toEqual([conflict])
  })

  it('are told by their status where a proxy answered with a page', () => {
    expect(problemFrom(new Response(null, { status: 502 }), '<html>')).toMatchObject({ status: 502, code: 'status_502', errors: [], retryAfter: null })
  })

  it('know an answer that never came', () => {
    expect(asProblem(new TypeError('Failed to fetch'))).toMatchObject({ status: 0, code: 'unreachable' })
    expect(asProblem('odd')).toMatchObject({ status: 0, code: 'unexpected' })
  })
})

describe('a failed question', () => {
  const failure = (status: number) => problemFrom(new Response(null, { status }), null)

  it('is asked again twice where the service failed or was not there', () => {
    expect([0, 1, 2].map((failures) => worthRepeating(failures, failure(503)))).toEqual([true, true, false])
    expect(worthRepeating(0, new TypeError('offline'))).toBe(true)
  })

  it('is not asked again where it was refused', () => {
    expect([401, 403, 404, 422, 429].some((status) => worthRepeating(0, failure(status)))).toBe(false)
  })
})
