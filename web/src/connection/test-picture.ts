/** A picture and a sound to send where no camera needs to be asked: restless, so that it fills what the line carries. */
import { LEAD_PROFILE } from '../live/encoding'
import type { OutgoingTracks } from '../live/publisher'

const TILE = 128
const TONE_HZ = 330

export class TestPicture {
  readonly tracks: OutgoingTracks
  private readonly timer: number
  private readonly sound: AudioContext

  constructor() {
    const canvas = document.createElement('canvas')
    canvas.width = LEAD_PROFILE.width
    canvas.height = LEAD_PROFILE.height
    const tile = noise()
    const context = canvas.getContext('2d')
    this.timer = window.setInterval(() => {
      for (let x = 0; x < canvas.width; x += 2 * TILE) {
        for (let y = 0; y < canvas.height; y += 2 * TILE) {
          const [from_x, from_y] = [Math.random() * TILE, Math.random() * TILE]
          context?.drawImage(tile, from_x, from_y, TILE, TILE, x, y, 2 * TILE, 2 * TILE)
        }
      }
    }, 1000 / LEAD_PROFILE.frameRate)
    this.sound = new AudioContext()
    const tone = this.sound.createOscillator()
    tone.frequency.value = TONE_HZ
    const outlet = this.sound.createMediaStreamDestination()
    tone.connect(outlet)
    tone.start()
    this.tracks = {
      camera: canvas.captureStream(LEAD_PROFILE.frameRate).getVideoTracks()[0],
      microphone: outlet.stream.getAudioTracks()[0],
    }
  }

  /** The sound alone: enough to find out whether a way is open. */
  get soundOnly(): OutgoingTracks {
    return { microphone: this.tracks.microphone?.clone() }
  }

  close(): void {
    window.clearInterval(this.timer)
    for (const track of Object.values(this.tracks)) track.stop()
    void this.sound.close()
  }
}

/** A tile of coarse grey noise, made once. */
function noise(): HTMLCanvasElement {
  const tile = document.createElement('canvas')
  tile.width = tile.height = 2 * TILE
  const context = tile.getContext('2d')
  const picture = context?.createImageData(tile.width, tile.height)
  if (!picture) return tile
  for (let at = 0; at < picture.data.length; at += 4) {
    picture.data.fill(64 + Math.random() * 128, at, at + 3)
    picture.data[at + 3] = 255
  }
  context?.putImageData(picture, 0, 0)
  return tile
}
