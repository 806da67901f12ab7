/** The sync engine as a Vue composable: registers media elements and moves the clock while the page is open. */
import { onBeforeUnmount, onMounted, shallowRef } from 'vue'
import type { RecordedStream } from './recording'
import { SyncEngine } from './sync-engine'

const TICK_MS = 100

export function useReplay(duration_ms: number) {
  const engine = new SyncEngine(duration_ms)
  const state = shallowRef(engine.state(performance.now()))
  let timer = 0

  function refresh(): void {
    state.value = engine.state(performance.now())
  }
  function act(deed: (now_ms: number) => void): void {
    deed(performance.now())
    refresh()
  }

  onMounted(() => {
    timer = window.setInterval(() => act((now) => engine.tick(now)), TICK_MS)
  })
  onBeforeUnmount(() => {
    window.clearInterval(timer)
    act((now) => engine.pause(now))
  })

  return {
    state,
    register: (stream: RecordedStream, media: HTMLMediaElement) =>
      act((now) => engine.add({ id: stream.id, span: stream, media }, now)),
    unregister: (id: string) => engine.remove(id),
    toggle: () => act((now) => (state.value.playing ? engine.pause(now) : engine.play(now))),
    seek: (position_ms: number) => act((now) => engine.seek(position_ms, now)),
    setRate: (rate: number) => act((now) => engine.setRate(rate, now)),
  }
}
