/** All English messages, one namespace for each feature folder. */
import { byFolder } from './folders'

export default byFolder(import.meta.glob('../*/messages.en.ts', { eager: true, import: 'default' }))
