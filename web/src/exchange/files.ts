/** The kinds of table that go in and out, and the addresses of their files. */
import type { components } from '../api/schema'

type Schemas = components['schemas']
export type ImportReport = Schemas['ImportReport']
export type ImportResult = Schemas['ImportResult']
export type Fault = Schemas['FaultAnswer']
export type Change = Schemas['ChangeAnswer']
export type KindCount = Schemas['KindCount']
export type Kind = ImportReport['kind']
export type Format = 'xlsx' | 'csv'

/** In the order they build on each other; the whole county first. */
export const kinds: readonly Kind[] = ['county', 'schools', 'bells', 'terms', 'special_days', 'rooms', 'teachers', 'classes', 'timetables', 'series', 'demands', 'pacts']

/** A workbook of several tables cannot be a CSV file. */
export const formatsOf = (kind: Kind): readonly Format[] => (kind === 'county' ? ['xlsx'] : ['xlsx', 'csv'])

export function fileAddress(what: 'templates' | 'exports', kind: Kind, format: Format, locale: string): string {
  return `/api/${what}/${kind}?${new URLSearchParams({ format, locale }).toString()}`
}

/** The cell as people name it, "C5"; the row or nothing where the fault has no cell. */
export function cellOf(fault: Pick<Fault, 'row' | 'column'>): string {
  return fault.row === null ? '' : `${fault.column}${fault.row}`
}

/** What is expected, in the page's language: `choices_zh` and `choices_en` become `choices`. */
export function expectedIn(expected: Fault['expected'], locale: string): Record<string, string | number> {
  const own = locale === 'en' ? '_en' : '_zh'
  return Object.fromEntries(Object.entries(expected).map(([name, value]) => [name.endsWith(own) ? name.slice(0, -own.length) : name, value]))
}
