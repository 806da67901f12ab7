/** Where a player can begin in the bytes of a growing file: fragments of MP4 (ISO 14496-12), clusters of WebM (RFC 9559). */

export interface GrowingFile {
  content_type: string
  has_picture: boolean
}

/** The type a SourceBuffer is made for. Growing files always have room for sound; their profile is told in the file itself. */
export function bufferType({ content_type, has_picture }: GrowingFile): string {
  if (!has_picture) return 'audio/webm; codecs="opus"'
  return content_type === 'video/mp4' ? 'video/mp4; codecs="avc1.42e01f,opus"' : 'video/webm; codecs="vp8,opus"'
}

const CLUSTER = [0x1f, 0x43, 0xb6, 0x75]
/** Timestamp, the first element of each cluster. */
const TIMESTAMP = 0xe7
const MOOF = [0x6d, 0x6f, 0x6f, 0x66]
const MFHD = [0x6d, 0x66, 0x68, 0x64]

/** The index at which the first fragment in `bytes` begins, from `from` on; null if none does. */
export function nextFragment(bytes: Uint8Array, content_type: string, from = 0): number | null {
  return content_type === 'video/mp4' ? nextMoof(bytes, from) : nextCluster(bytes, from)
}

/** Chance bytes may look like a beginning: what must follow is checked too. */
function nextMoof(bytes: Uint8Array, from: number): number | null {
  for (let at = from; at + 16 <= bytes.length; at++) {
    if (stands(bytes, MOOF, at + 4) && stands(bytes, MFHD, at + 12)) return at
  }
  return null
}

function nextCluster(bytes: Uint8Array, from: number): number | null {
  for (let at = from; at + 5 < bytes.length; at++) {
    if (!stands(bytes, CLUSTER, at)) continue
    const size_bytes = Math.clz32(bytes[at + 4] ?? 0) - 23
    if (size_bytes <= 8 && bytes[at + 4 + size_bytes] === TIMESTAMP) return at
  }
  return null
}

function stands(bytes: Uint8Array, wanted: readonly number[], at: number): boolean {
  for (let index = 0; index < wanted.length; index++) if (bytes[at + index] !== wanted[index]) return false
  return true
}
