/** A whole department whose processes die by SIGKILL at every named place while orders go through it, met by its wires alone. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EmrReceiver, emrReceiver } from '#simulator/emr.ts'
import { type RunningDepartment, startDepartment, until } from './department.ts'
import { plantedPatient, staffOf, type Walked, walkToDelivery } from './journey.ts'
import { expectNothingLostOrDoubled } from './ledgers.ts'
import { expectNobodyNamed } from './planted.ts'

/**
 * Before and after each commit and each acknowledgement, by the process that dies there; of each row one place is armed
 * at a time. Late places of a day come first where a process has many: orders that got past the early ones reach them
 * while others begin.
 */
const PLACES: Record<string, string[][]> = {
  interop: [[...aroundCommit('receive-orders'), 'mllp:before-ack']],
  archive: [
    [...aroundCommit('mpps-create'), 'store:before-sync', 'store:after-sync'],
    ['store:after-success', ...aroundCommit('index-instances'), ...aroundCommit('mpps-set')],
  ],
  app: [
    [...aroundCommit('sign-report'), ...aroundCommit('save-draft'), ...aroundCommit('open-report')],
    [...aroundCommit('accept-quality'), ...aroundCommit('claim'), ...aroundCommit('arrive')],
  ],
  workers: [
    [...aroundCommit('settle-order'), ...aroundCommit('assign-retention')],
    [
      ...aroundCommit('begin-attempt'),
      'delivery:before-send',
      'delivery:after-send',
      'delivery:after-answer',
      ...aroundCommit('record-answer'),
    ],
  ],
  relay: [['relay:before-signal', 'relay:after-signal']],
}

function aroundCommit(mutation: string): [string, string] {
  return [`${mutation}:before-commit`, `${mutation}:after-commit`]
}

/** Orders that are on their way at once. */
const IN_FLIGHT = 4
/** The last places of a day wait for an order that has survived all the others. */
const FIRES_WITHIN_MS = 300_000

let department: RunningDepartment
let emr: EmrReceiver
beforeAll(async () => {
  department = await startDepartment()
  emr = await emrReceiver({ port: department.endpoints().emr.port })
}, 300_000)
afterAll(async () => {
  await department?.stop()
  await emr?.close()
}, 90_000)

test('[SE-04] [EH-02] processes killed at every named place lose no order and do nothing twice', async () => {
  const staff = staffOf(department)
  let isDying = true
  const day = ordersFlow(
    () => isDying,
    (number) =>
      walkToDelivery({
        department,
        staff,
        number,
        patient: plantedPatient(number),
        isBooked: number % 3 !== 0,
        arrives: number % 2 === 0,
      }),
  )
  const fired: string[] = []
  // Processes die without regard for each other, and again once they have come back.
  const rows = Object.values(PLACES).flat()
  const places = rows.map(async (row) => {
    for (const place of row) {
      department.arm(place)
      await until(
        () => department.fired(place),
        FIRES_WITHIN_MS,
        () => `nothing reached ${place}`,
      )
      fired.push(place)
    }
  })
  const dying = (async () => {
    await Promise.all(places)
    // These know no named places; they die wherever they are.
    await department.kill('temporal')
    await department.kill('postgres')
  })().finally(() => {
    isDying = false
  })
  const [walked] = await Promise.all([day, dying])
  expect(fired.sort()).toEqual(rows.flat().sort())
  // A duty may be done by another process than the usual one (relay settles what waits), and die there instead.
  const deaths = Object.keys(PLACES).map(deathsOf)
  expect(Math.min(...deaths)).toBeGreaterThan(0)
  expect(deaths.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(fired.length)
  await expectNothingLostOrDoubled(department, emr, walked)
  // What a crash leaves in the logs is searched too.
  await expectNobodyNamed(department, emr, walked)
  expect(await department.check()).toBe('the department is sound\n')
}, 1_500_000)

/** Keeps some orders on their way until nobody dies any more, then sees all of them home. */
async function ordersFlow(
  goesOn: () => boolean,
  walk: (number: number) => Promise<Walked>,
): Promise<Walked[]> {
  const walked: Walked[] = []
  let number = 0
  const lane = async () => {
    while (goesOn()) walked.push(await walk(number++))
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  return walked
}

function deathsOf(name: string): number {
  return department.output().split(`${name} died (signal SIGKILL)`).length - 1
}
