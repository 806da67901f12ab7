/**
 * One timeline for several lessons locked by phases: each phase begins at the same moment for all of them and lasts as
 * long as the longest; a lesson that is through with it earlier waits for the others.
 */

export const PHASES = ['introduction', 'new_teaching', 'practice', 'summary'] as const
export type Phase = (typeof PHASES)[number]
export type PhaseMarks = Partial<Record<Phase, number | null>>

/** A stretch of one lesson on the common timeline. */
export interface Segment {
  at_ms: number
  from_ms: number
  to_ms: number
}

export interface PhasedTimeline {
  duration_ms: number
  /** Of each lesson, in order, one segment for each stretch between common marks. */
  segments: Segment[][]
  /** Where each phase that all lessons have begins on the common timeline. */
  marks: { phase: Phase; at_ms: number }[]
}

interface MarkedLesson {
  duration_ms: number
  phases: PhaseMarks
}

/** The phases marked in every lesson; only they can hold the lessons together. */
export function commonPhases(lessons: readonly MarkedLesson[]): Phase[] {
  return PHASES.filter((phase) => lessons.length > 0 && lessons.every((lesson) => typeof lesson.phases[phase] === 'number'))
}

export function phasedTimeline(lessons: readonly MarkedLesson[]): PhasedTimeline {
  const common = commonPhases(lessons)
  // What comes before the first common mark is a stretch of its own.
  const cuts = lessons.map((lesson) => [0, ...common.map((phase) => lesson.phases[phase] ?? 0), lesson.duration_ms])
  const segments: Segment[][] = lessons.map(() => [])
  const marks: PhasedTimeline['marks'] = []
  let at_ms = 0
  for (let stretch = 0; stretch <= common.length; stretch++) {
    const phase = common[stretch - 1]
    if (phase) marks.push({ phase, at_ms })
    let longest = 0
    cuts.forEach((cut, index) => {
      const from_ms = cut[stretch] ?? 0
      const to_ms = Math.max(from_ms, cut[stretch + 1] ?? from_ms)
      segments[index]?.push({ at_ms, from_ms, to_ms })
      longest = Math.max(longest, to_ms - from_ms)
    })
    at_ms += longest
  }
  return { duration_ms: at_ms, segments, marks }
}

/** Where a lesson is at a moment of the common timeline; `waiting` while it is through with a phase and others are not. */
export function lessonTime(segments: readonly Segment[], master_ms: number): { position_ms: number; waiting: boolean } {
  const current = [...segments].reverse().find((segment) => master_ms >= segment.at_ms) ?? segments[0]
  if (!current) return { position_ms: 0, waiting: true }
  const inside = master_ms - current.at_ms
  const length = current.to_ms - current.from_ms
  return { position_ms: current.from_ms + Math.min(Math.max(0, inside), length), waiting: inside >= length }
}

/** Where a moment of a lesson lies on the common timeline. */
export function masterTime(segments: readonly Segment[], position_ms: number): number {
  const current = [...segments].reverse().find((segment) => position_ms >= segment.from_ms && segment.to_ms > segment.from_ms) ?? segments[0]
  return current ? current.at_ms + Math.min(Math.max(0, position_ms - current.from_ms), current.to_ms - current.from_ms) : 0
}
