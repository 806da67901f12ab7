/** A squarified treemap (Bruls, Huizing, van Wijk 2000): areas as large as weights, as square as they can be. Pure. */

export interface Rectangle {
  x: number
  y: number
  width: number
  height: number
}

/** A rectangle for each weight, in the order given; weights are positive and fall. */
export function squarify(weights: readonly number[], within: Rectangle): Rectangle[] {
  const total = weights.reduce((sum, one) => sum + one, 0)
  const scale = total > 0 ? (within.width * within.height) / total : 0
  const areas = weights.map((one) => one * scale)
  const found: Rectangle[] = []
  let left = { ...within }
  let at = 0
  while (at < areas.length) {
    const side = Math.min(left.width, left.height)
    let row = areas.slice(at, at + 1)
    for (let wider = areas.slice(at, at + 2); wider.length > row.length && worst(wider, side) <= worst(row, side); wider = areas.slice(at, at + row.length + 1)) row = wider
    const sum = row.reduce((one, other) => one + other, 0)
    const thick = side > 0 ? sum / side : 0
    let along = 0
    for (const area of row) {
      const length = thick > 0 ? area / thick : 0
      found.push(left.width >= left.height
        ? { x: left.x, y: left.y + along, width: thick, height: length }
        : { x: left.x + along, y: left.y, width: length, height: thick })
      along += length
    }
    left = left.width >= left.height
      ? { x: left.x + thick, y: left.y, width: left.width - thick, height: left.height }
      : { x: left.x, y: left.y + thick, width: left.width, height: left.height - thick }
    at += row.length
  }
  return found
}

function worst(row: readonly number[], side: number): number {
  const sum = row.reduce((one, other) => one + other, 0)
  const [most, least] = [Math.max(...row), Math.min(...row)]
  return Math.max((side * side * most) / (sum * sum), (sum * sum) / (side * side * least))
}

/** Five steps from nothing to all hours; the words beside the colours carry the same. */
export function step(needed: number, served: number): 0 | 1 | 2 | 3 | 4 {
  const share = needed ? served / needed : 1
  if (share >= 1) return 4
  if (share >= 0.75) return 3
  if (share >= 0.5) return 2
  return share > 0 ? 1 : 0
}
