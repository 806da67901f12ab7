/** A day laid out from lengths and breaks rings as the school says. */
import { describe, expect, test } from 'vitest'
import { bellsFit, layOut, lengths, periodAfter, usualDay } from './bells'

describe('a day of bells', () => {
  test('has the long break after the second period and the afternoon at its own time', () => {
    const periods = layOut(usualDay)
    expect(periods.map((one) => one.starts)).toEqual(['08:30', '09:20', '10:25', '11:15', '14:00', '14:50', '15:40', '16:30'])
    expect(periods.map((one) => one.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(lengths(periods)[2]).toEqual({ minutes: 40, breakBefore: 25 })
    expect(bellsFit(periods)).toBe(true)
  })

  test('of 45 minutes without a long break', () => {
    expect(layOut({ ...usualDay, minutes: 45, longAfter: 0, afternoon: 0 }).map((one) => one.ends)).toEqual(['09:15', '10:10', '11:05', '12:00'])
  })

  test('whose morning runs into the afternoon does not fit', () => {
    expect(bellsFit(layOut({ ...usualDay, morning: 8 }))).toBe(false)
  })

  test('goes on with a period as long as the last', () => {
    expect(periodAfter([{ number: 3, starts: '10:20', ends: '11:05' }])).toEqual({ number: 4, starts: '11:15', ends: '12:00' })
  })
})
