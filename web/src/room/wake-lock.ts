/** Keeps the big screen from going dark while the room page is shown; browsers without the interface keep their own habit. */
import { onBeforeUnmount, onMounted } from 'vue'

export function useWakeLock(): void {
  let lock: WakeLockSentinel | null = null

  async function acquire(): Promise<void> {
    if (document.visibilityState !== 'visible') return
    // Refused on battery saving or without a secure page: nothing to do about it from here.
    lock = (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null
  }

  onMounted(() => {
    void acquire()
    document.addEventListener('visibilitychange', acquire)
  })
  onBeforeUnmount(() => {
    document.removeEventListener('visibilitychange', acquire)
    void lock?.release()
  })
}
