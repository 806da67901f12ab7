import { describe, expect, it } from 'vitest'
import { DeviceRefusal, type DeviceApi, type LessonBrief, type Pairing } from './device-api'
import { REENTER_AFTER_MS, RENEW_BEFORE_MS, RoomKeeper } from './room-keeper'

const ROOM = { id: 'r1', name: '多媒体教室', school: { id: 's1', name: '东乡小学' } }
const LIFETIME_MS = 600_000

function lesson(id: string): LessonBrief {
  return { id, title: '观潮', kind: 'synchronous', starts_at: '2026-01-01T00:00:00Z', ends_at: '2026-01-01T00:40:00Z' }
}

/** A service with one device, as far as a room page can see it. */
class Service implements DeviceApi {
  now_ms = Date.parse('2026-01-01T00:00:00Z')
  paired = false
  down: number | null = null
  current: LessonBrief | null = null
  codes = 0
  private confirmed = false
  private check(signedIn: boolean): void {
    if (this.down !== null) throw new DeviceRefusal(this.down)
    if (signedIn && !this.paired) throw new DeviceRefusal(401)
  }
  confirm(): void {
    this.confirmed = true
  }
  async whoAmI() {
    this.check(true)
    return { room: ROOM, server_time: new Date(this.now_ms + 90_000).toISOString() }
  }
  async lessons() {
    this.check(true)
    return { current: this.current, next: null }
  }
  async askPairing(): Promise<Pairing> {
    this.check(false)
    const code = String(100_000 + ++this.codes)
    return { pairing_id: code, secret: 's', code, expires_at: new Date(this.now_ms + LIFETIME_MS).toISOString() }
  }
  async pollPairing(pairing: Pairing) {
    this.check(false)
    if (pairing.pairing_id !== String(100_000 + this.codes)) throw new DeviceRefusal(404)
    if (this.confirmed) this.paired = true
    return this.paired ? ('paired' as const) : ('waiting' as const)
  }
}

function bench(service = new Service(), stored = new Map<string, string>()) {
  const keeper = new RoomKeeper({
    api: service,
    wallMs: () => service.now_ms,
    storage: { getItem: (k) => stored.get(k) ?? null, setItem: (k, v) => void stored.set(k, v), removeItem: (k) => void stored.delete(k) },
    onChange: () => undefined,
  })
  return { service, keeper, stored }
}

async function pairedRoom() {
  const parts = bench()
  parts.service.paired = true
  await parts.keeper.step()
  return parts
}

describe('an unpaired screen', () => {
  it('shows a code and waits as the room once it is confirmed', async () => {
    const { service, keeper } = bench()
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'pairing', pairing: { code: '100001' } })
    await keeper.step()
    expect(service.codes).toBe(1)
    service.confirm()
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'waiting', room: ROOM, pairing: null, clockAhead_ms: 90_000 })
  })

  it('renews its code before it dies', async () => {
    const { service, keeper } = bench()
    await keeper.step()
    service.now_ms += LIFETIME_MS - RENEW_BEFORE_MS + 1
    await keeper.step()
    expect(keeper.state.pairing?.code).toBe('100002')
  })

  it('keeps its code over a reload, and gets another when the service has forgotten it', async () => {
    const { service, keeper, stored } = bench()
    await keeper.step()
    const reloaded = bench(service, stored).keeper
    await reloaded.step()
    expect(reloaded.state.pairing?.code).toBe('100001')
    service.codes = 7
    await reloaded.step()
    expect(reloaded.state.pairing?.code).toBe('100008')
  })

  it('survives a memory that was tampered with', async () => {
    const { keeper } = bench(new Service(), new Map([['three-classrooms.pairing', '{broken']]))
    await keeper.step()
    expect(keeper.state.pairing?.code).toBe('100001')
  })
})

describe('a paired room', () => {
  it('enters its lesson by itself and returns after it', async () => {
    const { service, keeper } = await pairedRoom()
    service.current = lesson('l1')
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'lesson', lesson: { id: 'l1' } })
    keeper.lessonOver()
    await keeper.step()
    expect(keeper.state.screen).toBe('waiting')
    service.current = null
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'waiting', lesson: null })
  })

  it('enters again what is still offered a while after it seemed over', async () => {
    const { service, keeper } = await pairedRoom()
    service.current = lesson('l1')
    await keeper.step()
    keeper.lessonOver()
    service.now_ms += REENTER_AFTER_MS
    await keeper.step()
    expect(keeper.state.screen).toBe('lesson')
  })

  it('goes from one lesson straight into the next', async () => {
    const { service, keeper } = await pairedRoom()
    service.current = lesson('l1')
    await keeper.step()
    keeper.lessonOver()
    service.current = lesson('l2')
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'lesson', lesson: { id: 'l2' } })
  })

  it.each([0, 500, 503])('stays where it is while the service answers %i', async (status) => {
    const { service, keeper } = await pairedRoom()
    service.current = lesson('l1')
    await keeper.step()
    service.down = status
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'lesson', online: false })
    service.down = null
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'lesson', online: true })
  })

  it('goes back to pairing when it is revoked, even out of a lesson', async () => {
    const { service, keeper } = await pairedRoom()
    service.current = lesson('l1')
    await keeper.step()
    service.paired = false
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'pairing', room: null, lesson: null })
    await keeper.step()
    expect(keeper.state.pairing?.code).toBe('100001')
  })

  it('keeps off when another screen took its place, until the next lesson or a wish', async () => {
    const { service, keeper } = await pairedRoom()
    service.current = lesson('l1')
    await keeper.step()
    keeper.replaced()
    await keeper.step()
    expect(keeper.state.screen).toBe('replaced')
    keeper.takeBack()
    expect(keeper.state.screen).toBe('lesson')
    keeper.replaced()
    service.current = lesson('l2')
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'lesson', lesson: { id: 'l2' } })
  })

  it('comes up by itself when the service was down at the start', async () => {
    const { service, keeper } = bench()
    service.paired = true
    service.down = 0
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'starting', online: false })
    service.down = null
    await keeper.step()
    expect(keeper.state).toMatchObject({ screen: 'waiting', online: true })
  })
})
