/** Numbers of a plan in words an administrator understands. Pure. */
import type { Proposal, WeekTime } from './calls'

export type GapWord = 'best' | 'close' | 'good' | 'far' | 'unknown'

/** How near the best thinkable plan this one is proven to be. */
export function gapWord(gapPct: number | null | undefined): GapWord {
  if (gapPct === null || gapPct === undefined) return 'unknown'
  if (gapPct < 0.05) return 'best'
  if (gapPct <= 3) return 'close'
  return gapPct <= 8 ? 'good' : 'far'
}

/** A share of 0 to 1 in whole percent; never rounded up to 100. */
export function percent(share: number): string {
  const whole = Math.round(share * 100)
  return `${whole === 100 && share < 1 ? 99 : whole}%`
}

/** How full a bar of progress is while a plan is made: by time, never quite full before it is done. */
export function progressShare(seconds: number | null, budget: number): number {
  return seconds === null ? 0 : Math.min(0.97, seconds / Math.max(budget, 1))
}

/** "Mon 08:30" by the given weekday names. */
export function weekTimeText(time: WeekTime, weekdays: readonly string[]): string {
  return `${weekdays[time.weekday] ?? ''} ${time.starts}`
}

/** "云岭县 97% (29 / 30)": what a school or county gets of what it needs. */
export function servedWords({ name, needed, served }: { name: string; needed: number; served: number }): string {
  return `${name} ${percent(needed ? served / needed : 1)} (${served} / ${needed})`
}

/** What a proposal is called: one that only cancels says so, or it could not be told from one that changes as little and makes lessons up. */
export function proposalName({ kind, items }: Pick<Proposal, 'kind' | 'items'>): string {
  return items.length > 0 && items.every((item) => item.action === 'cancelled') ? 'cancel_only' : kind
}
