import { describe, expect, it } from 'vitest'
import { cellOf, expectedIn, fileAddress, formatsOf, kinds } from './files'

describe('files', () => {
  it('of a whole county are workbooks only', () => {
    expect(formatsOf('county')).toEqual(['xlsx'])
    expect(kinds.filter((kind) => formatsOf(kind).includes('csv'))).toHaveLength(11)
  })

  it('are asked for in a format and a language', () => {
    expect(fileAddress('templates', 'rooms', 'csv', 'zh-CN')).toBe('/api/templates/rooms?format=csv&locale=zh-CN')
  })
})

describe('the place of a fault', () => {
  it.each([
    [{ row: 5, column: 'C' }, 'C5'], [{ row: 5, column: '' }, '5'], [{ row: null, column: '' }, ''],
  ])('%j is %s', (fault, place) => {
    expect(cellOf(fault)).toBe(place)
  })
})

it('tells what is expected in the language of the page', () => {
  const expected = { choices_zh: '是、否', choices_en: 'yes, no', most: 3 }
  expect(expectedIn(expected, 'zh-CN')).toMatchObject({ choices: '是、否', most: 3 })
  expect(expectedIn(expected, 'en')).toMatchObject({ choices: 'yes, no', most: 3 })
})
