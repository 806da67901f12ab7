import { describe, expect, it } from 'vitest'
import { coarse, shownTracks } from './shown-sizes'

describe('what is shown', () => {
  it('names what is in sight, in classes of size and in a fixed order', () => {
    const heights = new Map([['b', 812], ['a', 133], ['hidden', 0]])
    expect(shownTracks(heights)).toEqual([{ track_id: 'a', height: 150 }, { track_id: 'b', height: 850 }])
  })

  it('calls sizes that hardly differ the same', () => {
    expect(coarse(401)).toBe(coarse(449))
    expect(coarse(1)).toBeGreaterThan(0)
  })
})
