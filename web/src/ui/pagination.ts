/** Element Plus components with their own sheets. */
import 'element-plus/es/components/pagination/style/css'
export { ElPagination } from 'element-plus'
