/** Entry of the room page: light on purpose, for the old PCs of village schools. */
import { createApp } from 'vue'
import '../theme/tokens.css'
import { createRoomI18n } from './i18n'
import './room.css'
import RoomPage from './RoomPage.vue'

const i18n = await createRoomI18n()
document.title = i18n.global.t('room.title')
createApp(RoomPage).use(i18n).mount('#room')
