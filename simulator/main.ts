/** The simulated department as one process: an EMR, an order placer, a scanner for each device, and people at the screens. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { config } from '#config'
import { SEED_DEVICES, SEED_SITES } from '#domain/seed-department.ts'
import { clockOnTheWall } from './department-clock.ts'
import { emrReceiver } from './emr.ts'
import { emrControl } from './emr-control.ts'
import { fileLedger } from './emr-ledger.ts'
import { type Endpoints, readEndpoints } from './endpoints.ts'
import { runModality } from './modality.ts'
import { fileOutbox } from './outbox.ts'
import { keepDoing, paceOf } from './pace.ts'
import type { PersonOptions } from './person.ts'
import { Placer } from './placer.ts'
import { runRadiologist } from './radiologist.ts'
import { randomFrom } from './random.ts'
import { runScheduler } from './scheduler.ts'
import { runTechnologist } from './technologist.ts'
import { webSession } from './web-session.ts'

const log = pino({ name: 'simulator', level: config.logLevel, base: { pid: process.pid } })
const folder = join(config.home, 'simulator')
const closing = new AbortController()
const pace = paceOf(config.speed, closing.signal)
const seed = Date.now() % 2 ** 32
const random = randomFrom(seed)
const clock = clockOnTheWall()
const { now } = clock

const emr = await emrReceiver({
  host: config.listen,
  port: config.ports.emr,
  ledger: fileLedger(join(folder, 'emr-ledger.jsonl')),
})
const control = await emrControl(emr, { host: config.listen, port: config.ports.emrControl })

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => closing.abort())
process.on('unhandledRejection', (error) => log.error(told(error), 'a rejection nobody handled'))

const working = openDepartment(await departmentIsThere())
process.send?.({ type: 'ready' })
log.info({ seed, speed: config.speed }, 'ready')
await working
await control.close()
await emr.close()
process.exit(0)

/** The file is written anew at each change of a process, and read until it can be. */
async function departmentIsThere(): Promise<Endpoints> {
  for (;;) {
    try {
      return readEndpoints(config.home)
    } catch (error) {
      if (closing.signal.aborted) process.exit(0)
      log.warn(told(error), 'endpoints.json cannot be read yet')
      await sleep(1_000)
    }
  }
}

/** Everybody at work; settles when everybody has gone home. */
async function openDepartment(where: Endpoints): Promise<void> {
  await Promise.all([orders(where), ...scanners(where), ...people(where)])
}

/** Times in orders are the department's: its clock is looked at first, unless it cannot be seen. */
async function orders(where: Endpoints): Promise<void> {
  await Promise.race([clock.seen, pace.wait(CLOCK_PATIENCE_MS).catch(() => {})])
  await placer(where).run()
}

const CLOCK_PATIENCE_MS = 10_000

function placer({ mllp, devices }: Endpoints): Placer {
  return new Placer({
    mllp,
    outbox: fileOutbox(join(folder, 'placer-outbox.jsonl')),
    pace,
    random,
    now,
    zone: zoneOf(PLACER_SITE),
    // Orders of this feed are the main hospital's, and are booked there.
    rooms: devices.filter(({ site }) => site === PLACER_SITE),
    say: (event) => log[event.event === 'sent' ? 'debug' : 'warn'](withTold(event), 'order placer'),
  })
}

const PLACER_SITE = 'MAIN'

function scanners({ dicom, devices }: Endpoints): Promise<void>[] {
  return devices.flatMap(({ aeTitle, modality, site }) => {
    const profile = SEED_DEVICES.find((seeded) => seeded.aeTitle === aeTitle)?.profile
    if (!profile) return []
    const device = { aeTitle, modality, profile, zone: zoneOf(site) }
    const say = (event: { event: string }) =>
      log[event.event === 'scanned' ? 'info' : 'warn'](withTold(event), 'scanner')
    return [runModality({ archive: dicom, device, pace, random, now, say })]
  })
}

/**
 * The second technologist and radiologist work here; the first are left to whoever comes to look, so that
 * nobody finds cases claimed in their own name.
 */
function people({ app, accounts = [] }: Endpoints): Promise<void>[] {
  const options = (user: string): PersonOptions[] => {
    const account = accounts.find((one) => one.user === user)
    const say: PersonOptions['say'] = (event) =>
      log[event.event === 'did' ? 'debug' : 'warn'](withTold(event), 'person')
    return account ? [{ app, account, pace, random, now, say }] : []
  }
  if (accounts.length === 0) log.warn('no demonstration accounts: nobody works at the screens')
  return [
    ...options('scheduler').map(runScheduler),
    ...options('tech2').map(runTechnologist),
    ...options('radiologist2').map(runRadiologist),
    ...options('scheduler').map(({ app: url, account }) => watchTheClock(url, account)),
  ]
}

function watchTheClock(app: string, { user, password }: { user: string; password: string }): Promise<void> {
  return keepDoing(
    pace,
    async () => {
      await clock.listen(await webSession(app, user, password), closing.signal)
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
function told(error: unknown): { error: string } {
  const { name, message, code } = error as { name?: string; message?: string; code?: string }
  return { error: [name, code, message].filter(Boolean).join(' ') }
}
