/** Which streams of a replay are shown in a layout, which one is large, and in which order the others stand. */
import type { RecordedStream } from './recording'
import { inGap, placeOf } from './correction'

/** `lead`: the lead large, a shared screen first; `screen`: the screen only with a small lead; `rooms`: the receiving rooms; `grid`: all alike. */
export const LAYOUTS = ['lead', 'screen', 'rooms', 'grid'] as const
export type Layout = (typeof LAYOUTS)[number]

const ROLE_ORDER = { lead: 0, room: 1, teacher: 2, observer: 3 }
const SOURCE_ORDER = { screen: 0, camera: 1, microphone: 2 }

/** Lead first, then rooms; a screen before its camera, sound alone last. */
export function inOrder(streams: readonly RecordedStream[]): RecordedStream[] {
  return [...streams].sort(
    (a, b) =>
      Number(b.has_picture) - Number(a.has_picture) ||
      ROLE_ORDER[a.role] - ROLE_ORDER[b.role] ||
      SOURCE_ORDER[a.source] - SOURCE_ORDER[b.source] ||
      a.party_name.localeCompare(b.party_name) ||
      a.offset_ms - b.offset_ms,
  )
}

/** A stream shows something at this moment of the lesson. A still screen sends nothing until it changes: its gaps mean nothing. */
export function isPresent(stream: RecordedStream, master_ms: number): boolean {
  const gaps = stream.source === 'screen' ? [] : stream.gaps
  if (stream.source === 'screen' && stream.growing) return master_ms >= stream.offset_ms
  return placeOf(stream, master_ms).inside && !inGap(stream, gaps, master_ms)
}

/** A room joins a moment after the lesson begins: so shortly before its beginning its first picture stands for it, instead of nothing. */
const OPENING_MS = 2_000
/** A gap that begins this early in a file is no gap but the wait for its first picture. */
const BEFORE_FIRST_MS = 100

/** Whether the stream's picture is to be seen: it has one at this moment, or its first one follows at once. */
export function isSeen(stream: RecordedStream, master_ms: number): boolean {
  const opening = stream.gaps.find(([from_ms]) => from_ms <= BEFORE_FIRST_MS)
  const wait_ms = stream.offset_ms + (opening?.[1] ?? 0) - master_ms
  return isPresent(stream, master_ms) || (wait_ms > 0 && wait_ms <= OPENING_MS)
}

/** The stream to show large: the chosen one, else a screen that is shared right now, else the lead's picture. */
export function pickMain(streams: readonly RecordedStream[], chosen: string | null, master_ms: number): string | null {
  const pictures = inOrder(streams).filter((stream) => stream.has_picture)
  const byChoice = pictures.find((stream) => stream.id === chosen)
  if (byChoice) return byChoice.id
  const screen = pictures.find((stream) => stream.source === 'screen' && isPresent(stream, master_ms))
  const present = pictures.find((stream) => stream.source === 'camera' && isPresent(stream, master_ms))
  return (screen ?? present ?? pictures[0])?.id ?? null
}

export interface Arrangement {
  /** The large one, if the layout has one. */
  main: string | null
  /** Those whose pictures are shown, the large one included; the others are heard only. */
  shown: Set<string>
}

/** What a layout shows at a moment. A layout without anything to show falls back to all alike. */
export function arrange(layout: Layout, streams: readonly RecordedStream[], chosen: string | null, master_ms: number): Arrangement {
  const pictures = inOrder(streams).filter((stream) => stream.has_picture)
  const ids = (found: RecordedStream[]) => new Set(found.map((stream) => stream.id))
  const all = { main: null, shown: ids(pictures) }
  if (layout === 'lead') return { main: pickMain(streams, chosen, master_ms), shown: ids(pictures) }
  if (layout === 'rooms') {
    const rooms = pictures.filter((stream) => stream.role !== 'lead')
    const main = rooms.find((stream) => stream.id === chosen)?.id ?? null
    return rooms.length > 0 ? { main, shown: ids(rooms) } : all
  }
  if (layout === 'screen') {
    const screens = pictures.filter((stream) => stream.source === 'screen')
    const main = screens.find((stream) => isPresent(stream, master_ms)) ?? screens[0]
    const lead = pictures.find((stream) => stream.role === 'lead' && stream.source === 'camera' && isPresent(stream, master_ms))
    return main ? { main: main.id, shown: ids(lead ? [main, lead] : [main]) } : all
  }
  return all
}
