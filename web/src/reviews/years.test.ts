import { describe, expect, it } from 'vitest'
import { schoolYears } from './years'

describe('school years', () => {
  it('begin in September', () => {
    expect(schoolYears('2026-08-31').slice(0, 2)).toEqual([2025, 2024])
    expect(schoolYears('2026-09-01').slice(0, 2)).toEqual([2026, 2025])
  })
})
