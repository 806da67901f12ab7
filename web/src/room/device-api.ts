/** What the room page asks of the service: who it is, its pairing code, its lesson. Needs no library. */

export interface RoomBrief {
  id: string
  name: string
  school: { id: string; name: string; county?: string | null }
}

export interface LessonBrief {
  id: string
  title: string
  kind: string
  subject?: string
  starts_at: string
  ends_at: string
  state?: string
  lead_school?: string | null
  lead_teacher?: string | null
}

export interface Pairing {
  pairing_id: string
  secret: string
  code: string
  expires_at: string
}

export interface DeviceAnswer {
  room: RoomBrief
  server_time: string
}

export interface DeviceLessons {
  current: LessonBrief | null
  next: LessonBrief | null
}

/** status 0: no answer came. */
export class DeviceRefusal extends Error {
  constructor(readonly status: number) {
    super(`status ${status}`)
  }
}

export interface DeviceApi {
  whoAmI(): Promise<DeviceAnswer>
  lessons(): Promise<DeviceLessons>
  askPairing(): Promise<Pairing>
  pollPairing(pairing: Pairing): Promise<'waiting' | 'paired' | 'expired'>
}

const PATIENCE_MS = 8_000

async function call<Body>(path: string, body?: object): Promise<Body> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS)
  try {
    const response = await fetch(path, {
      method: body ? 'POST' : 'GET',
      credentials: 'same-origin',
      cache: 'no-store',
      signal: abort.signal,
      ...(body ? { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {}),
    })
    if (!response.ok) throw new DeviceRefusal(response.status)
    return (await response.json()) as Body
  } catch (error) {
    throw error instanceof DeviceRefusal ? error : new DeviceRefusal(0)
  } finally {
    clearTimeout(timer)
  }
}

export const deviceApi: DeviceApi = {
  whoAmI: () => call('/api/device'),
  lessons: () => call('/api/device/lesson'),
  askPairing: () => call('/api/device/pairing', {}),
  async pollPairing({ pairing_id, secret }) {
    const { state } = await call<{ state: 'waiting' | 'paired' | 'expired' }>(`/api/device/pairing/${pairing_id}`, { secret })
    return state
  },
}

export interface Settings {
  time_zone: string
  default_locale: string
}

/** The deployment's settings, or null while the service cannot be reached. */
export async function readSettings(): Promise<Settings | null> {
  return call<Settings>('/api/settings').catch(() => null)
}
