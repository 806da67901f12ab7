/** Turns `../lessons/messages.en.ts` into the namespace `lessons`. */
import type { Messages } from './locales'

export function byFolder(modules: Record<string, unknown>): Messages {
  const messages: Messages = {}
  for (const [path, content] of Object.entries(modules)) {
    const folder = path.split('/').at(-2)
    if (folder) messages[folder] = content as Messages
  }
  return messages
}
