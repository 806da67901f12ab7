/** Element Plus components with their own sheets. */
import 'element-plus/es/components/form/style/css'
import 'element-plus/es/components/form-item/style/css'
import 'element-plus/es/components/input/style/css'
export { ElForm, ElFormItem, ElInput } from 'element-plus'
