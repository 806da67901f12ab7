import { describe, expect, it } from 'vitest'
import { newNoteId, PendingNotes, type PendingNote } from './pending-notes'

class MapStore extends Map<string, string> {
  getItem = (key: string) => this.get(key) ?? null
  setItem = (key: string, value: string) => void this.set(key, value)
  removeItem = (key: string) => void this.delete(key)
}
const note = (id: string, moment_ms: number): PendingNote => ({ id, text: id, kind: 'note', shared: false, moment_ms })

describe('notes on their way', () => {
  it('are kept in the browser until the service has them', async () => {
    const store = new MapStore()
    new PendingNotes('me', 'lesson', store).add(note('a', 1_000))
    const again = new PendingNotes('me', 'lesson', store)
    expect(again.waiting.map((one) => one.id)).toEqual(['a'])
    expect(new PendingNotes('you', 'lesson', store).waiting).toEqual([])
    const sent: [string, number][] = []
    await again.flush(async (one, ago_ms) => void sent.push([one.id, ago_ms]), () => 61_000)
    expect(sent).toEqual([['a', 60_000]])
    expect(store.size).toBe(0)
  })

  it('wait while the service is away, in order, and lose nothing', async () => {
    const pending = new PendingNotes('me', 'lesson', new MapStore())
    pending.add(note('a', 0))
    pending.add(note('b', 0))
    const away = () => Promise.reject(Object.assign(new Error('away'), { status: 0 }))
    expect(await pending.flush(away, () => 0)).toEqual([])
    expect(pending.waiting.map((one) => one.id)).toEqual(['a', 'b'])
  })

  it('give back what the service refuses, and go on with the others', async () => {
    const pending = new PendingNotes('me', 'lesson', new MapStore())
    pending.add(note('a', 0))
    pending.add(note('b', 0))
    const refused = await pending.flush((one) => (one.id === 'a' ? Promise.reject(Object.assign(new Error('no'), { status: 409 })) : Promise.resolve()), () => 0)
    expect(refused.map((one) => one.id)).toEqual(['a'])
    expect(pending.waiting).toEqual([])
  })

  it('survive a store with nonsense in it, and a browser without one', () => {
    const store = new MapStore()
    store.set('three-classrooms.notes.me.lesson', '[{"id": 5}, null, {')
    expect(new PendingNotes('me', 'lesson', store).waiting).toEqual([])
    const without = new PendingNotes('me', 'lesson', null)
    without.add(note('a', 0))
    expect(without.waiting.length).toBe(1)
  })

  it('have ids of 32 hexadecimal digits', () => {
    expect(newNoteId((bytes) => bytes.fill(7))).toBe('07'.repeat(16))
  })
})
