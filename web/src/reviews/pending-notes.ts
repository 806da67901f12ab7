/**
 * Notes that are written but not yet with the service: kept in the browser until they are, so that neither a lost network nor a
 * closed page loses one. Each has its id and its wall-clock moment from the beginning, and is sent under both.
 */
import type { NoteKind } from './calls'

export interface PendingNote {
  id: string
  text: string
  kind: NoteKind
  shared: boolean
  /** The moment meant, by this browser's clock; the service gets the time since then. */
  moment_ms: number
}

interface Store {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/** 32 hexadecimal digits. */
export function newNoteId(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (bytes) => crypto.getRandomValues(bytes)): string {
  return [...random(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function isNote(value: unknown): value is PendingNote {
  const note = value as Partial<PendingNote> | null
  return typeof note?.id === 'string' && typeof note.text === 'string' && typeof note.moment_ms === 'number'
}

export class PendingNotes {
  private readonly key: string
  private notes: PendingNote[]

  /** `owner` keeps two people who share a browser apart. */
  constructor(owner: string, lessonId: string, private readonly store: Store | null) {
    this.key = `three-classrooms.notes.${owner}.${lessonId}`
    this.notes = this.read()
  }

  get waiting(): readonly PendingNote[] {
    return this.notes
  }

  add(note: PendingNote): void {
    this.notes = [...this.notes, note]
    this.write()
  }

  remove(id: string): void {
    this.notes = this.notes.filter((note) => note.id !== id)
    this.write()
  }

  /**
   * Sends everything in order; stops at the first that the service cannot be reached for. `send` gets the note and how long ago
   * its moment was; it throws an error whose `status` is 0 or 5xx where another try can help. Gives those that were refused.
   */
  async flush(send: (note: PendingNote, ago_ms: number) => Promise<unknown>, now_ms: () => number): Promise<PendingNote[]> {
    const refused: PendingNote[] = []
    for (const note of this.notes) {
      try {
        await send(note, Math.max(0, Math.round(now_ms() - note.moment_ms)))
      } catch (error) {
        const status = (error as { status?: number }).status ?? 0
        if (status === 0 || status === 401 || status >= 500) return refused
        refused.push(note)
      }
      this.remove(note.id)
    }
    return refused
  }

  private read(): PendingNote[] {
    try {
      const kept: unknown = JSON.parse(this.store?.getItem(this.key) ?? '[]')
      return Array.isArray(kept) ? kept.filter(isNote) : []
    } catch {
      return []
    }
  }

  private write(): void {
    try {
      if (this.notes.length > 0) this.store?.setItem(this.key, JSON.stringify(this.notes))
      else this.store?.removeItem(this.key)
    } catch {
      // A browser that refuses storage still keeps the notes while the page is open.
    }
  }
}
