/**
 * Sound that the browser holds back until somebody clicks or presses a key.
 * Pictures go on without it meanwhile; one gesture anywhere opens all sound.
 */
import { onBeforeUnmount, onMounted, ref, type InjectionKey, type Ref } from 'vue'

export interface SoundGate {
  /** True while the browser holds sound back. */
  readonly held: Ref<boolean>
  /** Starts an element, silently if it must be. */
  play(element: HTMLMediaElement): Promise<void>
  /** To be called from within a gesture. */
  open(): void
}

export const soundGateKey: InjectionKey<SoundGate> = Symbol('sound gate')

export function createSoundGate(): SoundGate {
  const held = ref(false)
  const silenced = new Set<HTMLMediaElement>()

  async function play(element: HTMLMediaElement): Promise<void> {
    try {
      await element.play()
    } catch (error) {
      // An AbortError only means that a newer source took its place.
      if (!(error instanceof Error) || error.name !== 'NotAllowedError') return
      held.value = true
      silenced.add(element)
      element.muted = true
      await element.play().catch(() => undefined)
    }
  }

  function open(): void {
    if (!held.value) return
    held.value = false
    for (const element of silenced) {
      element.muted = false
      void play(element)
    }
    silenced.clear()
  }

  return { held, play, open }
}

/** A gate that any click or key on the page opens. */
export function useSoundGate(): SoundGate {
  const gate = createSoundGate()
  onMounted(() => {
    window.addEventListener('pointerdown', gate.open)
    window.addEventListener('keydown', gate.open)
  })
  onBeforeUnmount(() => {
    window.removeEventListener('pointerdown', gate.open)
    window.removeEventListener('keydown', gate.open)
  })
  return gate
}
