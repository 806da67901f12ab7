/** The sync engine as a Vue composable: registers media elements and moves the clock while the page is open. */
import { onBeforeUnmount, onMounted, shallowRef } from 'vue'
import type { StreamSpan } from './correction'
import { SyncEngine, type EngineState } from './sync-engine'

const TICK_MS = 100
const QUICK_TICK_MS = 10

/** `onTick` hears ten times a second where the clock is. */
export function useReplay(duration_ms: number, onTick: (state: EngineState, now_ms: number) => void = () => undefined) {
  const engine = new SyncEngine(duration_ms)
  const state = shallowRef(engine.state(performance.now()))
  let timer = 0
  let quick = 0

  function act(deed: (now_ms: number) => void): void {
    const now_ms = performance.now()
    deed(now_ms)
    state.value = engine.state(now_ms)
    onTick(state.value, now_ms)
  }
  function pause(): void {
    if (state.value.playing) act((now) => engine.pause(now))
  }

  /** A stream that begins within this tick is started at its moment, and brought in line at once, not at the next tick. */
  function tickQuickly(): void {
    const now_ms = performance.now()
    if (!engine.wantsCloseTicks(now_ms)) return
    engine.tick(now_ms)
    quick = window.setTimeout(tickQuickly, QUICK_TICK_MS)
  }
  function tick(): void {
    act((now) => engine.tick(now))
    window.clearTimeout(quick)
    quick = window.setTimeout(tickQuickly, QUICK_TICK_MS)
  }

  onMounted(() => {
    timer = window.setInterval(tick, TICK_MS)
  })
  onBeforeUnmount(() => {
    window.clearInterval(timer)
    window.clearTimeout(quick)
    act((now) => engine.pause(now))
  })

  return {
    state,
    register: (id: string, span: StreamSpan, media: HTMLMediaElement) => act((now) => engine.add({ id, span, media }, now)),
    setSpan: (id: string, span: StreamSpan) => engine.setSpan(id, span),
    setDuration: (duration_ms: number, growing: boolean) => act((now) => engine.setDuration(duration_ms, growing, now)),
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
