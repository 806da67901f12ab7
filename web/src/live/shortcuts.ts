/** Keyboard shortcuts of the lesson: one plain letter each, silent while somebody types. */

export type Shortcut = 'microphone' | 'camera' | 'screen' | 'hand'

const KEYS: Record<string, Shortcut> = { m: 'microphone', c: 'camera', s: 'screen', h: 'hand' }

interface KeyPress {
  key: string
  ctrlKey: boolean
  altKey: boolean
  metaKey: boolean
  repeat: boolean
  target: EventTarget | null
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as { tagName?: string; isContentEditable?: boolean } | null
  return element?.isContentEditable === true || ['INPUT', 'TEXTAREA', 'SELECT'].includes(element?.tagName ?? '')
}

export function shortcutOf(press: KeyPress): Shortcut | null {
  if (press.ctrlKey || press.altKey || press.metaKey || press.repeat || isTyping(press.target)) return null
  return KEYS[press.key.toLowerCase()] ?? null
}
