/** Positions and sizes as people read them. */

/** 65000 -> "1:05", 3665000 -> "1:01:05". */
export function positionText(position_ms: number): string {
  const total_s = Math.max(0, Math.floor(position_ms / 1000))
  const hours = Math.floor(total_s / 3600)
  const minutes = Math.floor((total_s % 3600) / 60)
  const seconds = String(total_s % 60).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`
}

/** 12345678 -> "11.8 MB" (1 MB = 1024 * 1024 bytes, as file managers count). */
export function sizeText(bytes: number): string {
  const megabytes = bytes / 1_048_576
  return megabytes >= 1024 ? `${(megabytes / 1024).toFixed(1)} GB` : `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`
}
