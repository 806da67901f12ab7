/** Element Plus components with their own sheets. */
import 'element-plus/es/components/switch/style/css'
import 'element-plus/es/components/checkbox/style/css'
import 'element-plus/es/components/radio/style/css'
import 'element-plus/es/components/radio-group/style/css'
export { ElSwitch, ElCheckbox, ElRadio, ElRadioGroup } from 'element-plus'
