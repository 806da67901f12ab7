/** What the timeline draws: speech by party, chapters in one order, the thumbnail of a moment. Plain functions. */
import type { Chapter, Recording, ThumbnailSheet, Timeline } from './recording'

export interface Speaker {
  party_id: string
  party_name: string
  role: string
  parts: [number, number][]
}

const ROLE_ORDER: Record<string, number> = { lead: 0, room: 1, teacher: 2, observer: 3 }

/** Who spoke when: one row for each party with sound, the lead first. */
export function speakersOf(recording: Recording, timeline: Timeline | null): Speaker[] {
  const speakers = new Map<string, Speaker>()
  for (const stream of recording.streams) {
    const found = timeline?.streams.find((one) => one.stream_id === stream.id)
    if (!found || !stream.has_sound) continue
    const speaker = speakers.get(stream.party_id) ?? { party_id: stream.party_id, party_name: stream.party_name, role: stream.role, parts: [] }
    speaker.parts = merged([...speaker.parts, ...found.speech])
    speakers.set(stream.party_id, speaker)
  }
  return [...speakers.values()].sort((a, b) => (ROLE_ORDER[a.role] ?? 9) - (ROLE_ORDER[b.role] ?? 9) || a.party_name.localeCompare(b.party_name))
}

export function merged(parts: [number, number][]): [number, number][] {
  const result: [number, number][] = []
  for (const [from, to] of [...parts].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return result
}

export function spokenShare(speaker: Speaker, duration_ms: number): number {
  return duration_ms > 0 ? speaker.parts.reduce((sum, [from, to]) => sum + to - from, 0) / duration_ms : 0
}

/** The chapters of the log and those read off the files, by time; who comes and goes without being recorded makes none. */
export function chaptersOf(recording: Recording, timeline: Timeline | null): Chapter[] {
  const told = recording.events.filter((event) => event.party_name !== '' || !event.type.startsWith('party_'))
  return [...told, ...(timeline?.chapters ?? [])].sort((a, b) => a.at_ms - b.at_ms)
}

export interface Thumbnail {
  at_ms: number
  /** CSS of a box that shows just this tile. */
  style: Record<string, string>
}

/** The last thumbnail at or before a moment: a shared screen's if there is one then, else the camera's. */
export function thumbnailAt(recording: Recording, timeline: Timeline | null, at_ms: number): Thumbnail | null {
  const sheets = (timeline?.streams ?? []).flatMap(({ stream_id, sheet }) => {
    const stream = recording.streams.find((one) => one.id === stream_id)
    return stream && sheet ? [{ stream, sheet }] : []
  })
  const there = sheets.filter(({ stream }) => at_ms >= stream.offset_ms && at_ms < stream.offset_ms + stream.duration_ms)
  const found = there.find(({ stream }) => stream.source === 'screen') ?? there[0]
  return found ? tileAt(found.sheet, at_ms) : null
}

function tileAt(sheet: ThumbnailSheet, at_ms: number): Thumbnail | null {
  const after = sheet.tiles.findIndex((tile) => tile > at_ms)
  const index = Math.max(0, (after === -1 ? sheet.tiles.length : after) - 1)
  const tile = sheet.tiles[index]
  if (tile === undefined) return null
  const left = (index % sheet.columns) * sheet.tile_width
  const top = Math.floor(index / sheet.columns) * sheet.tile_height
  return {
    at_ms: tile,
    style: {
      width: `${sheet.tile_width}px`,
      height: `${sheet.tile_height}px`,
      backgroundImage: `url("${sheet.url}")`,
      backgroundPosition: `-${left}px -${top}px`,
    },
  }
}
