/** Gives the focus back to what opened a dialog, once it is closed: who uses the keyboard goes on where they were. */
import { nextTick, onBeforeUnmount } from 'vue'

/** Call while the dialog opens; `remember` again when something else opens it anew. */
export function useOpener() {
  let opener = document.activeElement

  function remember(): void {
    opener = document.activeElement
  }

  async function giveBack(): Promise<void> {
    const to = opener
    await nextTick()
    const free = document.activeElement === null || document.activeElement === document.body
    if (free && to instanceof HTMLElement && to.isConnected) to.focus()
  }

  onBeforeUnmount(() => void giveBack())
  return { remember, giveBack }
}
