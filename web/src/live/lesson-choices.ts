/**
 * What somebody chose in a lesson on this computer, remembered for that one lesson: after a reload, a crash of the browser or a power
 * cut a closed microphone stays closed, a raised hand is up again and the pictures are where they were.
 */
import type { LiveBrowser } from './browser'
import type { DeviceSource } from './device-choice'

export interface Choices {
  muted: DeviceSource[]
  handRaised: boolean
  /** The loudspeaker is turned off. */
  silent: boolean
  /** Key of the tile that is shown large. */
  pinned: string | null
}

const KEY = 'three-classrooms.lesson-choices'
const SOURCES: readonly DeviceSource[] = ['camera', 'microphone']

export class LessonChoices {
  private choices: Choices

  constructor(
    private readonly storage: LiveBrowser['storage'],
    private readonly lessonId: string,
  ) {
    this.choices = this.read()
  }

  get present(): Readonly<Choices> {
    return this.choices
  }

  set(change: Partial<Choices>): void {
    this.choices = { ...this.choices, ...change }
    try {
      // One lesson at a time is remembered: nobody is in two.
      this.storage?.setItem(KEY, JSON.stringify({ lessonId: this.lessonId, ...this.choices }))
    } catch {
      // Storage full or forbidden: the choices hold until the page is loaded anew.
    }
  }

  setMuted(source: DeviceSource, muted: boolean): void {
    const others = this.choices.muted.filter((one) => one !== source)
    this.set({ muted: muted ? [...others, source] : others })
  }

  /** What was written by this page at another time, or by another version of it: only what makes sense is taken. */
  private read(): Choices {
    const kept = this.stored()
    const same = kept.lessonId === this.lessonId
    const { muted, handRaised, silent, pinned } = same ? kept : {}
    return {
      muted: Array.isArray(muted) ? SOURCES.filter((source) => muted.includes(source)) : [],
      handRaised: handRaised === true,
      silent: silent === true,
      pinned: typeof pinned === 'string' ? pinned : null,
    }
  }

  private stored(): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(this.storage?.getItem(KEY) ?? '{}')
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
    } catch {
      return {}
    }
  }
}
