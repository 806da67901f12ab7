import { describe, expect, it } from 'vitest'
import { daysText, writerOf } from './formats'

const now = new Date('2026-11-22T12:00:00Z')
const lesson = new Date('2026-11-22T16:30:00Z')

describe('instants in words', () => {
  it('are those of the zone, not of the PC', () => {
    expect(writerOf('zh-CN', 'Asia/Shanghai')('moment', lesson, now)).toBe('2026/11/23 00:30')
    expect(writerOf('en', 'Europe/Berlin')('time', lesson, now)).toBe('17:30')
  })

  it('are not to be read as another day in English', () => {
    expect(writerOf('en', 'Asia/Shanghai')('moment', lesson, now)).toBe('23 Nov 2026, 00:30')
    expect(writerOf('en', 'Asia/Shanghai')('shortDay', lesson, now)).toBe('23 Nov')
  })

  it('name the year of a day that is not in this one, as the zone counts it', () => {
    const write = writerOf('zh-CN', 'Asia/Shanghai')
    expect(write('day', lesson, now)).toBe('11月23日周一')
    expect(write('day', new Date('2025-11-22T16:30:00Z'), now)).toBe('2025年11月23日周日')
    expect(write('day', new Date('2025-12-31T16:30:00Z'), now)).toBe('1月1日周四')
    expect(writerOf('en', 'Europe/Berlin')('day', new Date('2025-12-31T16:30:00Z'), now)).toBe('Wed, 31 December 2025')
  })
})

describe('days of a calendar in words', () => {
  it('are as the language writes them from one to another', () => {
    expect(daysText('en', '2026-11-23', '2026-11-29')).toMatch(/^23\s*–\s*29 Nov 2026$/)
    expect(daysText('zh-CN', '2026-11-23', '2026-11-29')).toMatch(/^2026\/11\/23\s*–\s*2026\/11\/29$/)
  })

  it('are one day where both are the same', () => {
    expect(daysText('en', '2026-11-23')).toBe('23 Nov 2026')
    expect(daysText('zh-CN', '2026-11-23', '2026-11-23')).toBe('2026年11月23日')
  })
})
