/** The sync engine as a Vue composable: registers media elements and moves the clock while the page is open. */
import { onBeforeUnmount, onMounted, shallowRef } from 'vue'
import type { StreamSpan } from './correction'
import { SyncEngine, type EngineState } from './sync-engine'

const TICK_MS = 100

/** `onTick` hears ten times a second where the clock is. */
export function useReplay(duration_ms: number, onTick: (state: EngineState, now_ms: number) => void = () => undefined) {
  const engine = new SyncEngine(duration_ms)
  const state = shallowRef(engine.state(performance.now()))
  let timer = 0

  function act(deed: (now_ms: number) => void): void {
    const now_ms = performance.now()
    deed(now_ms)
    state.value = engine.state(now_ms)
    onTick(state.value, now_ms)
  }
  function pause(): void {
    if (state.value.playing) act((now) => engine.pause(now))
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
    register: (id: string, span: StreamSpan, media: HTMLMediaElement) => act((now) => engine.add({ id, span, media }, now)),
    unregister: (id: string) => engine.remove(id),
    toggle: () => act((now) => (state.value.playing ? engine.pause(now) : engine.play(now))),
    pause,
    seek: (position_ms: number) => act((now) => engine.seek(position_ms, now)),
    setRate: (rate: number) => act((now) => engine.setRate(rate, now)),
    /** Stops and goes this far on or back. */
    step: (by_ms: number) => {
      pause()
      act((now) => engine.seek(state.value.position_ms + by_ms, now))
    },
  }
}
