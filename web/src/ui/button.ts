/** Element Plus components with their own sheets. */
import 'element-plus/es/components/button/style/css'
export { ElButton } from 'element-plus'
