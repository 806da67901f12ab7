/** Element Plus components with their own sheets. */
import 'element-plus/es/components/tree/style/css'
export { ElTree } from 'element-plus'
