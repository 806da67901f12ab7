/** How long to wait before the next attempt to join: doubling from 0.3 s to 5 s, spread so that a whole county does not return at once. */

export const FIRST_DELAY_MS = 300
export const LONGEST_DELAY_MS = 5000

/** Delay in ms before attempt number `attempt` (0 = the first retry); `random` in [0, 1) spreads it by -25 %..+25 %, never under the first delay. */
export function retryDelayMs(attempt: number, random: number): number {
  const plain = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, Math.min(attempt, 20)))
  const spread = plain * (0.75 + random * 0.5)
  return Math.round(Math.min(LONGEST_DELAY_MS, Math.max(FIRST_DELAY_MS, spread)))
}
