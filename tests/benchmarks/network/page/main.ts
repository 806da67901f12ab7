/** The benchmark's page: `begin` makes it a party, the rest tells what became of it. */
import { JanusParty } from './janus_party'
import { Meter, sentBy } from './meter'
import { RelayParty } from './relay_party'
import { Slides } from './slides'

interface Part {
  server: 'relay' | 'janus'
  address: string
  role: 'lead' | 'room'
  /** 0: none. */
  slidesEvery_ms: number
  room: number
}

let party: RelayParty | JanusParty | null = null
let slides: Slides | null = null
let meter: Meter | null = null

const bench = {
  begin({ server, address, role, slidesEvery_ms, room }: Part): void {
    if (role === 'lead' && slidesEvery_ms) slides = new Slides(slidesEvery_ms)
    party = server === 'relay' ? new RelayParty(address, role, slides, show) : new JanusParty(address, room, role, slides, show)
    if (role === 'room') meter = new Meter(() => party!.receiving)
  },
  /** Whether the lead is seen, if only by slides (a weak line carries no more), and heard. */
  ready: () => (meter?.frames.length ?? 0) > 10 || (meter?.slides.length ?? 0) > 0,
  sent: () => sentBy(party!.publishing),
  told: () => (party instanceof RelayParty ? party.told : []),
  seen: () => ({ samples: meter!.samples, frames: meter!.frames, slides: meter!.slides }),
  turned: () => slides?.turned ?? [],
}

function show(group: 'camera' | 'screen', stream: MediaStream): HTMLVideoElement {
  const video = document.createElement('video')
  video.autoplay = true
  video.srcObject = stream
  document.querySelector(`#${group}`)!.replaceChildren(video)
  if (group === 'camera') meter?.watchCamera(video)
  else meter?.watchSlides(video)
  return video
}

declare global {
  interface Window {
    bench: typeof bench
  }
}
window.bench = bench
