/** Element Plus components with their own sheets. */
import 'element-plus/es/components/date-picker/style/css'
import 'element-plus/es/components/time-picker/style/css'
export { ElDatePicker, ElTimePicker } from 'element-plus'
