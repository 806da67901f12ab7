/** Slides as a lead shares them: still pages of text with their number drawn as black and white blocks along the top. */
import { SLIDE_BLOCKS } from './meter'

const WIDTH = 1280
const HEIGHT = 720
const TICK_MS = 200

export class Slides {
  /** When each slide was turned to. */
  readonly turned: [number, number][] = []
  private number = 0
  private tick = 0
  private readonly canvas = document.createElement('canvas')

  constructor(private readonly every_ms: number) {
    this.canvas.width = WIDTH
    this.canvas.height = HEIGHT
    this.turn()
    setInterval(() => this.turn(), this.every_ms)
    // A clock in the corner, so that there are frames as of a screen.
    setInterval(() => this.drawClock(), TICK_MS)
  }

  stream(): MediaStream {
    return this.canvas.captureStream(5)
  }

  private turn(): void {
    const context = this.canvas.getContext('2d')!
    this.number = (this.number + 1) % (1 << SLIDE_BLOCKS)
    context.fillStyle = '#fff'
    context.fillRect(0, 0, WIDTH, HEIGHT)
    for (let bit = 0; bit < SLIDE_BLOCKS; bit++) {
      context.fillStyle = (this.number >> (SLIDE_BLOCKS - 1 - bit)) & 1 ? '#fff' : '#000'
      context.fillRect((bit * WIDTH) / SLIDE_BLOCKS, 0, WIDTH / SLIDE_BLOCKS, HEIGHT / 6)
    }
    context.fillStyle = '#123'
    context.font = '34px sans-serif'
    for (let line = 0; line < 11; line++) {
      context.fillText(`${this.number}.${line}  The quick brown fox ${(this.number * 7919 + line * 104729) % 9973} jumps over`, 60, 190 + 46 * line)
    }
    this.turned.push([this.number, Date.now()])
  }

  private drawClock(): void {
    const context = this.canvas.getContext('2d')!
    this.tick++
    context.fillStyle = this.tick % 2 ? '#999' : '#888'
    context.fillRect(WIDTH - 40, HEIGHT - 40, 24, 24)
  }
}
