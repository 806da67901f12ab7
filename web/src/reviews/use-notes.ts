/** One lesson's notes: those of the service and those still on their way there, for the live lesson and the replay alike. */
import { computed, onBeforeUnmount, onMounted, ref, toValue, type MaybeRefOrGetter } from 'vue'
import { useQueryClient } from '@tanstack/vue-query'
import { useSession } from '../accounts/session'
import { deeds, reading, useReview, type NoteKind } from './calls'
import { newNoteId, PendingNotes, type PendingNote } from './pending-notes'

const TRY_AGAIN_MS = 5_000
const ASK_AGAIN_MS = 20_000

export interface NewNote {
  text: string
  kind: NoteKind
  shared: boolean
}

export function useNotes(lessonId: MaybeRefOrGetter<string>) {
  const { user } = useSession()
  const cache = useQueryClient()
  const id = toValue(lessonId)
  const question = useReview(['notes', id], () => reading.notes(id), { everyMs: ASK_AGAIN_MS })
  const pending = new PendingNotes(user.value?.id ?? '', id, safeStorage())
  const waiting = ref<readonly PendingNote[]>(pending.waiting)
  const refused = ref<readonly PendingNote[]>([])
  let timer = 0
  let busy = false

  async function flush(): Promise<void> {
    if (busy || pending.waiting.length === 0) return
    busy = true
    try {
      const back = await pending.flush(
        ({ id: note_id, text, kind, shared }, ago_ms) => deeds.putNote({ lesson_id: id, note_id, note: { text, kind, shared, ago_ms } }),
        () => Date.now(),
      )
      refused.value = [...refused.value, ...back]
      await cache.invalidateQueries({ queryKey: ['reviews', 'notes', id] })
    } finally {
      busy = false
      waiting.value = pending.waiting
    }
  }

  /** A note of this moment of the running lesson; kept until the service has it. */
  async function writeLive(note: NewNote, moment_ms: number): Promise<void> {
    pending.add({ ...note, id: newNoteId(), moment_ms })
    waiting.value = pending.waiting
    await flush()
  }
  /** A note at a moment of the recording. */
  async function writeAt(note: NewNote, at_ms: number): Promise<void> {
    await deeds.putNote({ lesson_id: id, note_id: newNoteId(), note: { ...note, at_ms: Math.max(0, Math.round(at_ms)) } })
    await cache.invalidateQueries({ queryKey: ['reviews', 'notes', id] })
  }
  /** A note at a moment by the service's clock, on the recording of a lesson that still runs. */
  async function writeMoment(note: NewNote, at: Date): Promise<void> {
    await deeds.putNote({ lesson_id: id, note_id: newNoteId(), note: { ...note, at: at.toISOString() } })
    await cache.invalidateQueries({ queryKey: ['reviews', 'notes', id] })
  }
  async function change(note_id: string, note: NewNote): Promise<void> {
    await deeds.putNote({ lesson_id: id, note_id, note })
    await cache.invalidateQueries({ queryKey: ['reviews', 'notes', id] })
  }
  async function remove(note_id: string): Promise<void> {
    await deeds.deleteNote({ lesson_id: id, note_id })
    await cache.invalidateQueries({ queryKey: ['reviews', 'notes', id] })
  }

  onMounted(() => {
    void flush()
    timer = window.setInterval(() => void flush(), TRY_AGAIN_MS)
  })
  onBeforeUnmount(() => window.clearInterval(timer))

  return { question, notes: computed(() => question.data.value?.items ?? []), waiting, refused, writeLive, writeAt, writeMoment, change, remove }
}

function safeStorage(): Storage | null {
  try {
    return window.localStorage
  } catch {
    return null
  }
}
