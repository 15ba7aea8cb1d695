/** A department without its workflow engine: orders, images, checks and readings go on; what waits is done when it is back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EmrReceiver, emrReceiver } from '#simulator/emr.ts'
import { type RunningDepartment, startDepartment } from './department.ts'
import { plantedPatient, type Staff, staffOf, type Walked, walkToSignature } from './journey.ts'
import { expectNothingLostOrDoubled } from './ledgers.ts'
import { orderOf, type TimelineJson, timelineOf, untilPhase } from './order-json.ts'
import { persist } from './persist.ts'
import { expectNobodyNamed } from './planted.ts'
import { workflowView } from './workflow-history.ts'

const A_MINUTE_MS = 60_000

let department: RunningDepartment
let emr: EmrReceiver
let staff: Staff
const walked: Walked[] = []
beforeAll(async () => {
  department = await startDepartment()
  emr = await emrReceiver({ port: department.endpoints().emr.port })
  staff = staffOf(department)
}, 300_000)
afterAll(async () => {
  department?.resume('temporal')
  await department?.stop()
  await emr?.close()
}, 90_000)

/** All of an order's day up to the signature; the study was readable within a minute, and nothing left the house. */
async function workToSignature(number: number): Promise<Walked> {
  const one = await walkToSignature({ department, staff, number, patient: plantedPatient(number) })
  walked.push(one)
  const order = await orderOf(department, one.sent.placer)
  expect(order.phase).toBe('final')
  expect(emr.messages.filter(({ placer }) => placer === one.sent.placer)).toEqual([])
  const timeline = await timelineOf(department, order.id)
  const accepted = timeline.find(({ type }) => type === 'quality.accepted')
  const onTheList = timeline.find(({ type, data }) => type === 'work-item.opened' && data.kind === 'read')
  expect(msBetween(accepted, onTheList)).toBeLessThan(A_MINUTE_MS)
  return one
}

function msBetween(first: TimelineJson | undefined, then: TimelineJson | undefined): number {
  return Date.parse(then?.at ?? '') - Date.parse(first?.at ?? '')
}

/** Delivered, and the workflow sees what the rows say. */
async function delivered({ sent }: Walked): Promise<void> {
  await untilPhase(department, sent.placer, 'delivered')
  await persist('the same view of rows and workflow', async () => {
    const order = await orderOf(department, sent.placer)
    const seen = await workflowView(department, order.id)
    if (seen.rev !== order.rev || seen.phase !== order.phase)
      throw new Error(`${seen.phase} ${seen.rev} beside ${order.phase} ${order.rev}`)
    return order
  })
}

test('[SE-04] an order is taken, scanned, checked and read while the workflow engine hangs, and delivered when it is back', async () => {
  department.pause('temporal')
  const one = await workToSignature(1)
  await untilHealth('degraded')
  department.resume('temporal')
  await delivered(one)
  await untilHealth('ok')
}, 400_000)

test('[SE-04] the same while the workflow engine is dead, and workers and relay die before it is back', async () => {
  const release = holdDown(department, 'temporal')
  const one = await workToSignature(2)
  await untilHealth('degraded')
  await department.kill('workers')
  await department.kill('relay')
  release()
  await delivered(one)
  await untilHealth('ok')
}, 400_000)

test('[SE-07] what happened without the engine is whole, and nobody is named where no patient may stand', async () => {
  await expectNothingLostOrDoubled(department, emr, walked)
  await expectNobodyNamed(department, emr, walked)
  expect(await department.check()).toBe('the department is sound\n')
}, 120_000)

async function untilHealth(wanted: string): Promise<void> {
  await persist(
    `health ${wanted}`,
    async () => {
      const response = await fetch(`${department.endpoints().app}/health`)
      const { status } = (await response.json()) as { status: string }
      if (status !== wanted) throw new Error(`it is ${status}`)
      return status
    },
    A_MINUTE_MS,
  )
}

/** Kills a process whenever it has come back, until released. */
function holdDown({ endpoints }: RunningDepartment, name: string): () => void {
  const timer = setInterval(() => {
    for (const pid of endpoints().processes[name] ?? []) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It is dead already, and the file does not say so yet.
      }
    }
  }, 20)
  return () => clearInterval(timer)
}
