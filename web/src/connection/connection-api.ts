/** What the page asks of the service by HTTP: who is here, to keep a report, and the reports others sent. No library. */
import type { Facts } from './facts'
import type { Outcome } from './verdict'

export type Tester = { kind: 'room'; name: string; school: string } | { kind: 'person'; name: string; school: string; administers: boolean; csrf: string }

export interface SentReport {
  id: string
  at: string
  school: string
  place: string
  receives: Outcome
  sends: Outcome
  facts: Facts
}

async function get<Body>(path: string): Promise<Body | null> {
  try {
    const answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store' })
    return answer.ok ? ((await answer.json()) as Body) : null
  } catch {
    return null
  }
}

interface SessionAnswer {
  user: { display_name: string; role: string; organisation: { name: string } }
  csrf_token: string
}

/** The room this computer is paired with, or the person signed in; a room first where the address asks for it. */
export async function findTester(asRoom: boolean): Promise<Tester | null> {
  return asRoom ? ((await findRoom()) ?? (await findPerson())) : ((await findPerson()) ?? (await findRoom()))
}

async function findRoom(): Promise<Tester | null> {
  const answer = await get<{ room: { name: string; school: { name: string } } }>('/api/device')
  return answer && { kind: 'room', name: answer.room.name, school: answer.room.school.name }
}

async function findPerson(): Promise<Tester | null> {
  const answer = await get<SessionAnswer>('/api/session')
  if (!answer) return null
  const { display_name: name, role, organisation } = answer.user
  return { kind: 'person', name, school: organisation.name, administers: role.endsWith('administrator'), csrf: answer.csrf_token }
}

/** Hands a report to operations; whether it is kept. */
export async function sendReport(tester: Tester, receives: Outcome, sends: Outcome, facts: Facts): Promise<boolean> {
  try {
    const answer = await fetch(`/api/connection-reports${tester.kind === 'room' ? '?as=room' : ''}`, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', ...(tester.kind === 'person' ? { 'X-CSRF-Token': tester.csrf } : {}) },
      body: JSON.stringify({ receives, sends, facts }),
    })
    return answer.ok
  } catch {
    return false
  }
}

export async function readReports(): Promise<SentReport[]> {
  return (await get<{ items: SentReport[] }>('/api/connection-reports?limit=50'))?.items ?? []
}
