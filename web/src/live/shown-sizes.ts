/** Tells the relay how large each picture is on the screen, so that nothing is sent that nobody sees, and nothing larger than needed. */
import { onBeforeUnmount, onMounted, watch, type Ref } from 'vue'
import type { Tile } from './stage'

export interface ShownTrack {
  track_id: string
  height: number
}

const SETTLE_MS = 400

/** The same picture in the same class of size needs no new word. */
export function coarse(height: number): number {
  return Math.ceil(height / 50) * 50
}

/** What is shown at these heights (device pixels), without what is not; in a fixed order. */
export function shownTracks(heights: Map<string, number>): ShownTrack[] {
  return [...heights]
    .filter(([, height]) => height > 0)
    .map(([track_id, height]) => ({ track_id, height: coarse(height) }))
    .sort((a, b) => a.track_id.localeCompare(b.track_id))
}

/** Watches the tiles in `root`; a hidden page shows nothing, a tile scrolled out of sight is not shown. */
export function useShownSizes(root: Ref<HTMLElement | null>, tiles: Ref<Tile[]>, phase: () => string, look: (tracks: ShownTrack[]) => void): void {
  let timer = 0
  let told = ''
  const observer = new ResizeObserver(() => soon())

  function measure(): void {
    timer = 0
    const heights = new Map<string, number>()
    const frame = root.value?.getBoundingClientRect()
    for (const video of root.value?.querySelectorAll<HTMLVideoElement>('video[data-track]') ?? []) {
      const box = video.getBoundingClientRect()
      const inSight = frame && box.bottom > frame.top && box.top < frame.bottom
      const seen = inSight && !document.hidden ? box.height * window.devicePixelRatio : 0
      heights.set(video.dataset.track ?? '', Math.round(seen))
    }
    const shown = shownTracks(heights)
    const text = JSON.stringify(shown)
    if (phase() !== 'live' || text === told || heights.size === 0) return
    told = text
    look(shown)
  }
  function soon(): void {
    timer ||= window.setTimeout(measure, SETTLE_MS)
  }

  watch(tiles, soon, { flush: 'post' })
  watch(phase, () => {
    told = '' // a new join knows nothing yet
    soon()
  })
  onMounted(() => {
    if (root.value) {
      observer.observe(root.value)
      root.value.addEventListener('scroll', soon, { passive: true })
    }
    document.addEventListener('visibilitychange', soon)
    soon()
  })
  onBeforeUnmount(() => {
    observer.disconnect()
    window.clearTimeout(timer)
    document.removeEventListener('visibilitychange', soon)
  })
}
