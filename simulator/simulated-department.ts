/** Everybody outside our own programs: who orders, who scans, who works at the screens; each meets the department by its wires. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import { SEED_DEVICES, SEED_SITES } from '#domain/seed-department.ts'
import { type ClockOnTheWall, clockOnTheWall } from './department-clock.ts'
import type { Endpoints } from './endpoints.ts'
import { runModality } from './modality.ts'
import { fileOutbox } from './outbox.ts'
import { keepDoing, type Pace, paceOf } from './pace.ts'
import type { PersonOptions } from './person.ts'
import { Placer } from './placer.ts'
import { runRadiologist } from './radiologist.ts'
import { type Random, randomFrom } from './random.ts'
import { runScheduler } from './scheduler.ts'
import { runTechnologist } from './technologist.ts'
import { webSession } from './web-session.ts'

export interface Simulation {
  where: Endpoints
  /** Where the placer keeps what is not acknowledged. */
  folder: string
  /** Times real time: how fast people and scanners work. */
  speed: number
  closing: AbortSignal
  log: Logger
  /** The same seed, the same orders; default another one each time. */
  seed?: number
}

interface Stage extends Simulation {
  pace: Pace
  random: Random
  clock: ClockOnTheWall
}

/** Settles when everybody has gone home. */
export async function simulateDepartment(simulation: Simulation): Promise<void> {
  const { speed, closing, log, seed = Date.now() % 2 ** 32 } = simulation
  log.info({ seed, speed }, 'the simulated department opens')
  const stage = {
    ...simulation,
    pace: paceOf(speed, closing),
    random: randomFrom(seed),
    clock: clockOnTheWall(),
  }
  await Promise.all([orders(stage), ...scanners(stage), ...people(stage)])
}

const CLOCK_PATIENCE_MS = 10_000
/** Orders of the demonstration's one feed are the main hospital's, and are booked there. */
const PLACER_SITE = 'MAIN'

/** Times in orders are the department's: its clock is looked at first, unless it cannot be seen. */
async function orders({ where, folder, pace, random, clock, log }: Stage): Promise<void> {
  await Promise.race([clock.seen, pace.wait(CLOCK_PATIENCE_MS).catch(() => {})])
  const placer = new Placer({
    mllp: where.mllp,
    outbox: fileOutbox(join(folder, 'placer-outbox.jsonl')),
    pace,
    random,
    now: clock.now,
    zone: zoneOf(PLACER_SITE),
    rooms: where.devices.filter(({ site }) => site === PLACER_SITE),
    say: (event) => log[event.event === 'sent' ? 'debug' : 'warn'](withTold(event), 'order placer'),
  })
  await placer.run()
}

function scanners({ where, pace, random, clock, log }: Stage): Promise<void>[] {
  return where.devices.flatMap(({ aeTitle, modality, site }) => {
    const profile = SEED_DEVICES.find((seeded) => seeded.aeTitle === aeTitle)?.profile
    if (!profile) return []
    const device = { aeTitle, modality, profile, zone: zoneOf(site) }
    const say = (event: { event: string }) =>
      log[event.event === 'scanned' ? 'info' : 'warn'](withTold(event), 'scanner')
    return [runModality({ archive: where.dicom, device, pace, random, now: clock.now, say })]
  })
}

/**
 * The second technologist and radiologist work here; the first are left to whoever comes to look, so that
 * nobody finds cases claimed in their own name.
 */
function people(stage: Stage): Promise<void>[] {
  const { where, pace, random, clock, log } = stage
  const { app, accounts = [] } = where
  if (accounts.length === 0) log.warn('no demonstration accounts: nobody works at the screens')
  const say: PersonOptions['say'] = (event) =>
    log[event.event === 'did' ? 'info' : 'warn'](withTold(event), 'person')
  const as = (user: string, work: (options: PersonOptions) => Promise<void>): Promise<void>[] =>
    accounts
      .filter((account) => account.user === user)
      .map((account) => work({ app, account, pace, random, now: clock.now, say }))
  return [
    ...as('scheduler', runScheduler),
    ...as('tech2', runTechnologist),
    ...as('radiologist2', runRadiologist),
    ...as('scheduler', (options) => watchTheClock(stage, options)),
  ]
}

function watchTheClock({ pace, clock, log }: Stage, { app, account }: PersonOptions): Promise<void> {
  return keepDoing(
    pace,
    async () => {
      const { user, password } = account
      await clock.listen(await webSession(app, user, password), pace.closing)
      await pace.wait(1_000)
    },
    (error) => log.debug(told(error), 'the clock on the wall cannot be seen'),
  )
}

function zoneOf(site: string): string {
  return SEED_SITES.find(({ id }) => id === site)?.calendar.zone ?? 'UTC'
}

function withTold<T extends { event: string }>(event: T): object {
  if (!('error' in event)) return event
  const { error, ...rest } = event
  return { ...rest, ...told(error) }
}

/** What went wrong, without what it went wrong with. */
export function told(error: unknown): { error: string } {
  const { name, message, code } = error as { name?: string; message?: string; code?: string }
  return { error: [name, code, message].filter(Boolean).join(' ') }
}
