/** Whether the page wants the whole window: a running lesson does not share it with the navigation. */
import { onScopeDispose, ref } from 'vue'

const wanting = ref(0)

export function useWholeWindow(): void {
  wanting.value += 1
  onScopeDispose(() => {
    wanting.value -= 1
  })
}

export function useImmersion() {
  return wanting
}
