/** Largest box of a picture in the chat, in CSS pixels. */
const maxWidth = 320
const maxHeight = 320
const minSide = 64

export interface PictureSize {
  width?: number
  height?: number
}

/** Room for a picture before it is there, so that nothing moves when it comes. */
export function imageBox(picture: PictureSize): { width: string; aspectRatio: string } {
  const width = picture.width ?? 0
  const height = picture.height ?? 0
  if (width <= 0 || height <= 0) return { width: `${maxWidth * 0.75}px`, aspectRatio: '4 / 3' }
  const scale = Math.min(1, maxWidth / width, maxHeight / height)
  const shown = Math.max(minSide, Math.round(width * scale))
  return { width: `${shown}px`, aspectRatio: `${width} / ${height}` }
}
