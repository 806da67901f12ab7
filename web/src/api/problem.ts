/** RFC 9457 problem details as the service sends them, turned into one error type for the pages. */

export interface FieldProblem {
  field: string
  message: string
}

export interface BookingConflict {
  resource: 'room' | 'teacher' | 'class' | 'kit' | 'link_up' | 'link_down' | 'relay'
  id: string
  name: string
  /** None of things that are counted: no one lesson is in the way, too little is left. */
  lesson_id: string | null
  lesson_title: string
  starts_at: string
  ends_at: string
  /** What is left of what there is, of counted things; links in kbit/s. */
  free?: number
  cap?: number
}

/** A period of the lead school in which everything asked for is free. */
export interface FreePeriod {
  date: string
  period: number
  starts_at: string
  ends_at: string
}

interface ProblemBody {
  status?: number
  code?: string
  title?: string
  detail?: string
  errors?: FieldProblem[]
  conflicts?: BookingConflict[]
  free?: FreePeriod[]
}

/** A refused or failed call. `code` is the service's stable id, or `unreachable` where no answer came. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'

  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string = '',
    readonly errors: readonly FieldProblem[] = [],
    readonly conflicts: readonly BookingConflict[] = [],
    /** Seconds to wait before another attempt, where the service says so. */
    readonly retryAfter: number | null = null,
    /** The nearest periods a refused booking could have instead. */
    readonly free: readonly FreePeriod[] = [],
  ) {
    super(detail || code)
  }
}

function isBody(value: unknown): value is ProblemBody {
  return typeof value === 'object' && value !== null
}

/** Reads the answer's body (already parsed) into a problem; a proxy's HTML page gives a code by status. */
export function problemFrom(response: Response, body: unknown): ApiProblem {
  const fields = isBody(body) ? body : {}
  const wait = Number(response.headers.get('Retry-After'))
  return new ApiProblem(
    response.status,
    typeof fields.code === 'string' ? fields.code : `status_${response.status}`,
    fields.detail ?? fields.title ?? '',
    Array.isArray(fields.errors) ? fields.errors : [],
    Array.isArray(fields.conflicts) ? fields.conflicts : [],
    Number.isFinite(wait) && wait > 0 ? wait : null,
    Array.isArray(fields.free) ? fields.free : [],
  )
}

export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  // fetch rejects with a TypeError when no answer came at all.
  if (error instanceof TypeError) return new ApiProblem(0, 'unreachable', error.message)
  return new ApiProblem(0, 'unexpected', error instanceof Error ? error.message : String(error))
}

/** The messages of one field, by its last path part (`receivers.0.room_id` answers to `room_id` and to itself). */
export function fieldMessages(problem: ApiProblem | null, field: string): string[] {
  if (!problem) return []
  return problem.errors.filter((e) => e.field === field || e.field.endsWith(`.${field}`)).map((e) => e.message)
}
