import { ref, type Ref } from 'vue'

/** Files dropped anywhere on the chat. Text and links that are dragged are left alone. */
export function useFileDrop(take: (files: File[]) => void): {
  dropping: Ref<boolean>
  handlers: Record<'dragenter' | 'dragover' | 'dragleave' | 'drop', (event: DragEvent) => void>
} {
  const dropping = ref(false)
  let depth = 0
  const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false
  const handlers = {
    dragenter(event: DragEvent): void {
      if (!carriesFiles(event)) return
      event.preventDefault()
      depth++
      dropping.value = true
    },
    dragover(event: DragEvent): void {
      if (carriesFiles(event)) event.preventDefault()
    },
    dragleave(event: DragEvent): void {
      if (!carriesFiles(event)) return
      depth = Math.max(0, depth - 1)
      dropping.value = depth > 0
    },
    drop(event: DragEvent): void {
      if (!carriesFiles(event)) return
      event.preventDefault()
      depth = 0
      dropping.value = false
      take([...(event.dataTransfer?.files ?? [])])
    },
  }
  return { dropping, handlers }
}
