/** The keys of the player: one table for what they do and for the list of them that people are shown. */

export type Deed =
  | 'toggle' | 'back' | 'forward' | 'longBack' | 'longForward' | 'frameBack' | 'frameForward' | 'slower' | 'faster'
  | 'start' | 'end' | 'layout' | 'nextChapter' | 'previousChapter' | 'note' | 'full' | 'help'

interface Key {
  deed: Deed
  /** `KeyboardEvent.key` of each, lower case where it is a letter. */
  keys: string[]
  shown: string[]
}

export const KEYS: readonly Key[] = [
  { deed: 'toggle', keys: [' ', 'k'], shown: ['␣', 'K'] },
  { deed: 'back', keys: ['ArrowLeft'], shown: ['←'] },
  { deed: 'forward', keys: ['ArrowRight'], shown: ['→'] },
  { deed: 'longBack', keys: ['PageDown', 'j'], shown: ['J'] },
  { deed: 'longForward', keys: ['PageUp', 'l'], shown: ['L'] },
  { deed: 'frameBack', keys: [','], shown: [','] },
  { deed: 'frameForward', keys: ['.'], shown: ['.'] },
  { deed: 'slower', keys: ['-', '<'], shown: ['-'] },
  { deed: 'faster', keys: ['+', '=', '>'], shown: ['+'] },
  { deed: 'previousChapter', keys: ['['], shown: ['['] },
  { deed: 'nextChapter', keys: [']'], shown: [']'] },
  { deed: 'layout', keys: ['v'], shown: ['V'] },
  { deed: 'note', keys: ['n'], shown: ['N'] },
  { deed: 'full', keys: ['f'], shown: ['F'] },
  { deed: 'start', keys: ['Home'], shown: ['Home'] },
  { deed: 'end', keys: ['End'], shown: ['End'] },
  { deed: 'help', keys: ['?'], shown: ['?'] },
]

interface Pressed {
  key: string
  ctrlKey: boolean
  altKey: boolean
  metaKey: boolean
}

/** What a pressed key means; nothing with Ctrl, Alt or Command, which belong to the browser. */
export function deedOf(event: Pressed): Deed | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  return KEYS.find((one) => one.keys.includes(key))?.deed ?? null
}

/** True where the person writes or works a control: there keys belong to it. */
export function belongsToControl(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null
  return Boolean(element?.closest?.('button, a, input:not([type=range]), select, textarea, [contenteditable], [role=dialog]'))
}
