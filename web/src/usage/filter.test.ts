import { describe, expect, it } from 'vitest'
import { sizeText } from '../recordings/size'
import { exportAddress, withoutEmpty } from './filter'

describe('the usage filter', () => {
  it('sends only what restricts', () => {
    expect(withoutEmpty({ organisation_id: '', from: '2026-11-01', to: '', kind: '', subject: 'music' })).toEqual({ from: '2026-11-01', subject: 'music' })
  })

  it('goes into the address of an export, with the language', () => {
    expect(exportAddress('xlsx', { from: '2026-11-01', subject: 'a&b' }, 'zh-CN')).toBe('/api/usage.xlsx?from=2026-11-01&subject=a%26b&locale=zh-CN')
  })
})

describe('sizes', () => {
  it.each([
    [0, '–'], [999, '999 byte'], [1_000, '1 kB'], [1_500_000, '1.5 MB'], [52_400_000, '52 MB'], [3_200_000_000_000, '3,200 GB'],
  ])('%i bytes read %s', (bytes, text) => {
    expect(sizeText(bytes, 'en')).toBe(text)
  })
})
