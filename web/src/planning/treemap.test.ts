import { describe, expect, it } from 'vitest'
import { squarify, step } from './treemap'

const page = { x: 0, y: 0, width: 600, height: 400 }

describe('the coverage map', () => {
  it('fills the whole area, each part by its weight and inside the frame', () => {
    const weights = [6, 6, 4, 3, 2, 2, 1]
    const parts = squarify(weights, page)
    const areas = parts.map((one) => one.width * one.height)
    expect(areas.reduce((sum, one) => sum + one, 0)).toBeCloseTo(600 * 400)
    weights.forEach((weight, at) => expect(areas[at]).toBeCloseTo((weight / 24) * 600 * 400))
    for (const one of parts) {
      expect(one.x + one.width).toBeLessThanOrEqual(600.001)
      expect(one.y + one.height).toBeLessThanOrEqual(400.001)
    }
  })

  it('keeps a thousand schools nearly square', () => {
    const parts = squarify(Array.from({ length: 1200 }, (_, at) => 30 - Math.floor(at / 50)), page)
    const ratios = parts.map((one) => Math.max(one.width / one.height, one.height / one.width)).sort((a, b) => a - b)
    expect(ratios[Math.floor(ratios.length * 0.9)]).toBeLessThan(2)
  })

  it('gives nothing for nothing and tells none from some from all', () => {
    expect(squarify([], page)).toEqual([])
    expect([step(4, 0), step(4, 1), step(4, 2), step(4, 3), step(4, 4), step(0, 0)]).toEqual([0, 1, 2, 3, 4, 4])
  })
})
