/** The shared screen: asked for, sent, and ended by either button (ours or the browser's own). */
import type { LiveBrowser } from './browser'
import { contentHintOf, screenConstraints } from './encoding'

export type ScreenResult = 'sharing' | 'refused' | 'unavailable'

export class ScreenCapture {
  stream: MediaStream | null = null

  constructor(
    private readonly browser: Pick<LiveBrowser, 'mediaDevices'>,
    private readonly onChange: () => void,
  ) {}

  get picture(): MediaStreamTrack | undefined {
    return this.stream?.getVideoTracks()[0]
  }

  get sound(): MediaStreamTrack | undefined {
    return this.stream?.getAudioTracks()[0]
  }

  async start(): Promise<ScreenResult> {
    const devices = this.browser.mediaDevices
    if (!devices?.getDisplayMedia) return 'unavailable'
    try {
      this.adopt(await devices.getDisplayMedia(screenConstraints()))
      return 'sharing'
    } catch (error) {
      return error instanceof Error && error.name === 'NotAllowedError' ? 'refused' : 'unavailable'
    }
  }

  stop(): void {
    if (!this.stream) return
    for (const track of this.stream.getTracks()) {
      track.onended = null
      track.stop()
    }
    this.stream = null
    this.onChange()
  }

  private adopt(stream: MediaStream): void {
    this.stop()
    this.stream = stream
    if (this.picture) {
      this.picture.contentHint = contentHintOf('screen')
      this.picture.onended = () => this.stop()
    }
    if (this.sound) this.sound.contentHint = contentHintOf('screen_audio')
    this.onChange()
  }
}
