/** The live client as a Vue composable: its state, who is speaking and who has fallen silent, what was chosen on this screen, and its end with the page. */
import { onBeforeUnmount, onMounted, ref, shallowRef, triggerRef, watch } from 'vue'
import { realBrowser } from './browser'
import { FeedPulse, packetsOf } from './feed-pulse'
import { LiveClient, type LiveClientOptions } from './live-client'
import { isInterrupted } from './live-state'
import { hearFeeds, levelsOf, SpeakingSigns } from './sound-levels'

const LEVEL_EVERY_MS = 400

declare global {
  interface Window {
    /**
     * The peer connections of the running lesson, for measuring from outside (getStats). Read only; null where there is none.
     * It gives nothing a script of this page could not reach anyway.
     */
    __threeClassrooms?: { readonly publisher: RTCPeerConnection | null; readonly subscriber: RTCPeerConnection | null }
  }
}

function expose(client: LiveClient): void {
  window.__threeClassrooms = Object.freeze({
    get publisher() {
      return client.peerConnections.publisher
    },
    get subscriber() {
      return client.peerConnections.subscriber
    },
  })
}

export function useLiveLesson(options: LiveClientOptions) {
  const client = new LiveClient(realBrowser(), options)
  const state = shallowRef(client.state)
  const speaking = shallowRef<Set<string>>(new Set())
  const stopped = shallowRef<Set<string>>(new Set())
  const signs = new SpeakingSigns()
  const pulse = new FeedPulse()
  const silent = ref(client.choices.present.silent)
  const pinned = ref(client.choices.present.pinned)
  const leave = () => client.leave()
  let levelTimer = 0

  client.onChange((value) => {
    state.value = value
    triggerRef(state)
  })
  watch([silent, pinned], () => client.choices.set({ silent: silent.value, pinned: pinned.value }))
  async function listen(): Promise<void> {
    const report = await client.peerConnections.subscriber?.getStats()
    const entries = [...(report?.values() ?? [])]
    const { feeds } = client.state
    const heard = hearFeeds(signs, feeds, levelsOf(entries), performance.now())
    if ([...heard].join() !== [...speaking.value].join()) speaking.value = heard
    const gone = pulse.stopped(feeds, packetsOf(entries), !isInterrupted(client.state), performance.now())
    if ([...gone].join() !== [...stopped.value].join()) stopped.value = gone
  }

  onMounted(() => {
    client.start()
    expose(client)
    levelTimer = window.setInterval(() => void listen(), LEVEL_EVERY_MS)
    // A closed tab says good-bye, so that nobody sees a frozen picture until the relay notices.
    window.addEventListener('pagehide', leave)
  })
  onBeforeUnmount(() => {
    window.clearInterval(levelTimer)
    window.removeEventListener('pagehide', leave)
    client.leave()
    delete window.__threeClassrooms
  })
  return { client, state, speaking, stopped, silent, pinned }
}
