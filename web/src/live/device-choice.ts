/** Which camera and microphone the person chose on this computer, remembered between lessons. */
import type { LiveBrowser } from './browser'

export type DeviceSource = 'camera' | 'microphone'

const KEYS: Record<DeviceSource, string> = {
  camera: 'three-classrooms.camera',
  microphone: 'three-classrooms.microphone',
}

export function rememberedDevice(storage: LiveBrowser['storage'], source: DeviceSource): string | undefined {
  try {
    return storage?.getItem(KEYS[source]) || undefined
  } catch {
    return undefined
  }
}

export function rememberDevice(storage: LiveBrowser['storage'], source: DeviceSource, deviceId: string): void {
  try {
    storage?.setItem(KEYS[source], deviceId)
  } catch {
    // Storage full or forbidden: the choice holds for this lesson only.
  }
}
