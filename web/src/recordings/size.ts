/** Sizes as people read them. */

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const

/** `bytes` in the largest unit that keeps it at one or more; an en dash where there is nothing yet. */
export function sizeText(bytes: number, locale: string): string {
  if (bytes <= 0) return '–'
  const step = Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  const value = bytes / 1000 ** step
  return new Intl.NumberFormat(locale, {
    style: 'unit', unit: units[step], unitDisplay: 'short', maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value)
}
