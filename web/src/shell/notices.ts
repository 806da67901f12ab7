/** Short messages about what just happened; shown by NoticeList, read out by screen readers. */
import { readonly, ref } from 'vue'

export interface Notice {
  id: number
  kind: 'done' | 'failed'
  text: string
}

const shownForMs = { done: 4_000, failed: 9_000 }
const notices = ref<Notice[]>([])
let nextId = 1

export function notify(kind: Notice['kind'], text: string): void {
  const id = nextId++
  notices.value = [...notices.value.slice(-3), { id, kind, text }]
  setTimeout(() => dismiss(id), shownForMs[kind])
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id)
}

export function useNotices() {
  return readonly(notices)
}
