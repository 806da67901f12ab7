/** Element Plus components with their own sheets. */
import 'element-plus/es/components/dialog/style/css'
export { ElDialog } from 'element-plus'
