/** What can be done with critical results: each intent of their forms and the act behind it. */
import {
  attemptCritical,
  changeCriticalLevel,
  communicateCritical,
  withdrawCritical,
} from '#db/mutations/critical-results.ts'
import { raiseCriticalResult } from '#db/mutations/raise-critical.ts'
import { basicActor, reauthenticate } from '#db/mutations/sessions.ts'
import { sites } from '#db/queries/sites.ts'
import {
  CRITICAL_LEVELS,
  CRITICAL_METHODS,
  type CriticalLevel,
  type CriticalMethod,
} from '#domain/critical-result.ts'
import { RadiologyError, refusalCode } from '#domain/errors.ts'
import { hasWord, t } from '../strings/words.ts'
import type { SignedIn } from './guard.ts'
import { latestClockTime } from './latest-clock-time.ts'
import { type Refused, refusedOf } from './refusal.ts'

export type CriticalAnswer = Refused | { ok: true; addendum?: 'signed' | 'opened' | null }

interface Asked {
  signedIn: SignedIn
  zone: string
  text(field: string): string
}

const CRITICAL_ACTS: Readonly<Record<string, (asked: Asked) => Promise<object>>> = {
  /** `reportId`, `orderId` (left empty: the report's), `finding`, `level`, `foundAt` (a clock time; left empty: now) */
  raise: async ({ signedIn: { server, act }, zone, text }) => {
    const acting = await act()
    const foundAt = text('foundAt') === '' ? acting.now : latestClockTime(text('foundAt'), zone, acting.now)
    if (foundAt === null) throw new RadiologyError('check-failed', { check: 'found-at' })
    return raiseCriticalResult(server.department, acting, {
      ...{ reportId: text('reportId'), finding: text('finding'), level: levelOf(text('level')), foundAt },
      ...(text('orderId') !== '' && { orderId: text('orderId') }),
    })
  },
  /** `criticalId`, `method`, `recipient`, `key`: pressed twice, it is one try */
  attempt: async ({ signedIn: { server, act }, text }) =>
    attemptCritical(server.department, await act(text('key') || undefined), {
      ...{ criticalId: text('criticalId'), recipient: text('recipient') },
      method: methodOf(text('method')),
    }),
  /** `criticalId`, `communicatorId`, `recipient`, `toldAt` (a clock time), `method`, `readBack`, `password` */
  communicate: async ({ signedIn, zone, text }) => {
    const { person, server, act } = signedIn
    const password = text('password')
    const reauthenticated =
      password !== '' && (await reauthenticate(server.department, { userId: person.id, password }))
    if (password !== '' && !reauthenticated) throw new RadiologyError('reauthentication-required', {})
    const acting = await act()
    const toldAt = latestClockTime(text('toldAt'), zone, acting.now)
    if (toldAt === null) throw new RadiologyError('check-failed', { check: 'told-at' })
    return communicateCritical(server.department, acting, {
      ...{ criticalId: text('criticalId'), recipient: text('recipient'), toldAt, reauthenticated },
      communicatorId: text('communicatorId') || person.id,
      method: methodOf(text('method')),
      readBack: text('readBack') === 'on',
    })
  },
  /** `criticalId`, `level` */
  level: async ({ signedIn: { server, act }, text }) => {
    const level = levelOf(text('level'))
    await changeCriticalLevel(server.department, await act(), { criticalId: text('criticalId'), level })
    return {}
  },
  /** `criticalId`, `reason`, `secondUser`, `secondPassword` */
  withdraw: async ({ signedIn: { server, act }, text }) => {
    const second = { userName: text('secondUser'), password: text('secondPassword') }
    const secondPerson = second.userName === '' ? null : await basicActor(server.department, second)
    await withdrawCritical(server.department, await act(), {
      ...{ criticalId: text('criticalId'), reason: text('reason'), secondPerson },
    })
    return {}
  },
}

/** @returns null for an intent that no screen of ours sends */
export async function criticalAct(signedIn: SignedIn, form: FormData): Promise<CriticalAnswer | null> {
  const text = (field: string) => String(form.get(field) ?? '').trim()
  const intent = text('intent')
  if (!Object.hasOwn(CRITICAL_ACTS, intent)) return null
  try {
    const [own] = await sites(signedIn.server.department.sql, signedIn.person.sites)
    return { ...(await CRITICAL_ACTS[intent]!({ signedIn, zone: own?.zone ?? 'UTC', text })), ok: true }
  } catch (error) {
    return missingField(error) ?? refusedOf(error)
  }
}

/** Which of the six fields is missing, or the tick. */
function missingField(error: unknown): Refused | null {
  if (refusalCode(error) !== 'check-failed') return null
  const key = `critical.missing.${(error as RadiologyError).refs.check}`
  return hasWord(key) ? { ok: false, code: 'check-failed', sentence: t(key) } : null
}

const levelOf = (text: string): CriticalLevel => {
  const level = CRITICAL_LEVELS.find((each) => String(each) === text)
  if (level === undefined) throw new RadiologyError('check-failed', { check: 'level' })
  return level
}

const methodOf = (text: string): CriticalMethod => {
  const method = CRITICAL_METHODS.find((each) => each === text)
  if (method === undefined) throw new RadiologyError('check-failed', { check: 'method' })
  return method
}
