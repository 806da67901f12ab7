/** Entry of the room page; web engineer 2 builds it. */
import '../theme/tokens.css'

export {}
