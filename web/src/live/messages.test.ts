import { describe, expect, it } from 'vitest'
import en from './messages.en'
import zh from './messages.zh-CN'

function keysOf(messages: object, prefix = ''): string[] {
  return Object.entries(messages).flatMap(([key, value]) =>
    typeof value === 'object' ? keysOf(value as object, `${prefix}${key}.`) : [`${prefix}${key}`],
  )
}

describe('words of the live lesson', () => {
  it('are the same in both languages', () => {
    expect(keysOf(en)).toEqual(keysOf(zh))
  })
})
