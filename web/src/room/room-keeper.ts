/**
 * Keeps a classroom's page where it belongs, with nobody at the keyboard: pairing, waiting, or in its lesson.
 * Each step asks the service once and moves on; a lost network changes nothing but the sign that says so.
 */
import { DeviceRefusal, type DeviceApi, type DeviceLessons, type LessonBrief, type Pairing, type RoomBrief } from './device-api'

export type Screen = 'starting' | 'pairing' | 'waiting' | 'lesson' | 'replaced'

export interface RoomState {
  screen: Screen
  room: RoomBrief | null
  pairing: Pairing | null
  lesson: LessonBrief | null
  next: LessonBrief | null
  /** The service answered the last question. */
  online: boolean
  /** Service's clock minus this computer's, in ms. */
  clockAhead_ms: number
}

export interface KeeperParts {
  api: DeviceApi
  /** Wall clock of this computer, ms since 1970. */
  wallMs(): number
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined
  onChange(state: RoomState): void
}

/** A code that lives no longer than this is replaced, so that nobody types one that dies under their fingers. */
export const RENEW_BEFORE_MS = 20_000
/** A lesson that ended here is entered again only if the service still offers it after this. */
export const REENTER_AFTER_MS = 8_000
const STORAGE_KEY = 'three-classrooms.pairing'
const NEXT_STEP_MS: Record<Screen, number> = { starting: 2_000, pairing: 2_000, waiting: 2_500, lesson: 5_000, replaced: 5_000 }

export class RoomKeeper {
  state: RoomState = {
    screen: 'starting',
    room: null,
    pairing: null,
    lesson: null,
    next: null,
    online: true,
    clockAhead_ms: 0,
  }
  private over: { lessonId: string; at_ms: number } | null = null

  constructor(private readonly parts: KeeperParts) {}

  /** Asks what is due; gives the ms to wait before the next step. Never rejects. */
  async step(): Promise<number> {
    try {
      if (this.state.pairing) await this.pair()
      else if (this.state.room) await this.followLessons(this.parts.api.lessons())
      else await this.begin()
      this.update({ online: true })
    } catch (error) {
      const status = error instanceof DeviceRefusal ? error.status : 0
      if (status === 401 || status === 403) this.unpair()
      // 429 and 5xx: the service is there but cannot answer now; asking again later is all there is to do.
      else this.update({ online: status !== 0 && status < 500 })
    }
    return NEXT_STEP_MS[this.state.screen]
  }

  /** The lesson ended for this room, or it may not join: back to waiting. */
  lessonOver(): void {
    const { lesson } = this.state
    if (!lesson) return
    this.over = { lessonId: lesson.id, at_ms: this.parts.wallMs() }
    this.update({ screen: 'waiting', lesson: null })
  }

  /** Another page took this room's place; this one keeps off until told otherwise. */
  replaced(): void {
    if (this.state.screen === 'lesson') this.update({ screen: 'replaced' })
  }

  /** Somebody wants the lesson on this screen after all. */
  takeBack(): void {
    if (this.state.screen === 'replaced') this.update({ screen: this.state.lesson ? 'lesson' : 'waiting' })
  }

  /** Asks who this is and what is on at the same time: a room that comes back is in its lesson one round trip earlier. */
  private async begin(): Promise<void> {
    const lessons = this.parts.api.lessons()
    lessons.catch(() => undefined) // where nobody knows this screen, that answer is a refusal too
    await this.identify()
    if (this.state.room) await this.followLessons(lessons)
    else await this.pair()
  }

  private async identify(): Promise<void> {
    const asked_ms = this.parts.wallMs()
    try {
      const { room, server_time } = await this.parts.api.whoAmI()
      const middle_ms = (asked_ms + this.parts.wallMs()) / 2
      const ahead_ms = Date.parse(server_time) - middle_ms
      this.forgetPairing()
      this.update({ room, pairing: null, screen: 'waiting', clockAhead_ms: Number.isFinite(ahead_ms) ? ahead_ms : 0 })
    } catch (error) {
      if (!(error instanceof DeviceRefusal) || (error.status !== 401 && error.status !== 403)) throw error
      this.update({ screen: 'pairing' })
    }
  }

  private async followLessons(answer: Promise<DeviceLessons>): Promise<void> {
    const { current, next } = await answer
    this.update({ next })
    const { screen, lesson } = this.state
    if (!current) {
      // A running lesson is ended by its own connection; this is for one that could not be reached meanwhile.
      if (lesson) this.update({ screen: 'waiting', lesson: null })
      return
    }
    if (lesson?.id === current.id || this.isOver(current.id)) return
    this.update({ lesson: current, screen: screen === 'replaced' ? 'waiting' : screen })
    this.update({ screen: 'lesson' })
  }

  private isOver(lessonId: string): boolean {
    return this.over?.lessonId === lessonId && this.parts.wallMs() - this.over.at_ms < REENTER_AFTER_MS
  }

  private async pair(): Promise<void> {
    const pairing = this.state.pairing ?? this.rememberedPairing()
    if (!pairing || this.isDying(pairing)) return this.renewPairing()
    this.update({ pairing })
    let answer: 'waiting' | 'paired' | 'expired'
    try {
      answer = await this.parts.api.pollPairing(pairing)
    } catch (error) {
      if (error instanceof DeviceRefusal && [400, 403, 404, 410, 422].includes(error.status)) return this.startOver()
      throw error
    }
    if (answer === 'expired') return this.startOver()
    if (answer === 'paired') await this.identify()
  }

  /** The code is no good any more; perhaps because it has done its work and only the answer was lost. */
  private startOver(): Promise<void> {
    this.forgetPairing()
    this.update({ pairing: null })
    return this.begin()
  }

  private async renewPairing(): Promise<void> {
    this.forgetPairing()
    const pairing = await this.parts.api.askPairing()
    try {
      this.parts.storage?.setItem(STORAGE_KEY, JSON.stringify(pairing))
    } catch {
      // Not remembered: a reload then shows a new code.
    }
    this.update({ pairing, screen: 'pairing' })
  }

  private isDying(pairing: Pairing): boolean {
    return Date.parse(pairing.expires_at) - this.parts.wallMs() < RENEW_BEFORE_MS
  }

  private rememberedPairing(): Pairing | null {
    try {
      const value = JSON.parse(this.parts.storage?.getItem(STORAGE_KEY) ?? 'null') as Pairing | null
      return value?.pairing_id && value.secret && value.code ? value : null
    } catch {
      return null
    }
  }

  private forgetPairing(): void {
    try {
      this.parts.storage?.removeItem(STORAGE_KEY)
    } catch {
      // Storage is refused: there was nothing to forget.
    }
  }

  private unpair(): void {
    this.over = null
    this.update({ room: null, lesson: null, next: null, pairing: null, screen: 'pairing', online: true })
  }

  private update(change: Partial<RoomState>): void {
    this.state = { ...this.state, ...change }
    this.parts.onChange(this.state)
  }
}
