/** All Chinese messages, one namespace for each feature folder. */
import { byFolder } from './folders'

export default byFolder(import.meta.glob('../*/messages.zh-CN.ts', { eager: true, import: 'default' }))
