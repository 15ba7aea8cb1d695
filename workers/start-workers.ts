/** The department's workers: one for workflows, one for each kind of activity, in one process over one connection. */
import { setTimeout as sleep } from 'node:timers/promises'
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker'
import type { Department } from '#db/department.ts'
import { taskQueues } from '#workflows/contract.ts'
import { integrationActivities } from './activities/deliveries.ts'
import { recordActivities } from './activities/records.ts'
import { sweepActivities } from './activities/sweeps.ts'
import { bundleWorkflows } from './bundle.ts'
import { dataConverter } from './data-converter.ts'
import { type Log, temporalLogger } from './log.ts'
import { openReceivers } from './receivers.ts'
import { ensureSchedules } from './schedules.ts'
import { connectionOptions, ensureNamespace, lazyClient, type TemporalTarget } from './temporal-client.ts'

export interface RunningWorkers {
  /** Rejects when a worker gives up (its namespace is gone): the process ends and is started again. */
  done: Promise<void>
  stop(): Promise<void>
}

const RETRY_CONNECT_MS = 1_000
/** How long a killed worker's cached workflows wait for it before another replays them; a task is taken in milliseconds. */
const STICKY_WAIT = '3 s'

/** Waits for Temporal, makes namespace and schedules where they are missing, and polls. */
export async function startWorkers(context: {
  target: TemporalTarget
  department: Department
  log: Log
  bundle?: { code: string }
  /** For tests, which cannot wait half a minute for a receiver that says nothing. */
  answerTimeoutMs?: number
}): Promise<RunningWorkers> {
  const { target, department, log } = context
  const bundle = context.bundle ?? (await bundleWorkflows(temporalLogger(log)))
  const client = lazyClient(target)
  await untilTemporalIsReady(async () => {
    await client.withDeadline(Date.now() + 5_000, async () => {
      await ensureNamespace(client)
      await ensureSchedules(client)
    })
  }, log)
  const connection = await NativeConnection.connect(connectionOptions(target) as never)
  const receivers = openReceivers(department, log)
  const common = { connection, namespace: target.namespace, dataConverter: dataConverter(target.secretKey) }
  const workers = await createAll([
    {
      ...common,
      taskQueue: taskQueues.orders,
      workflowBundle: bundle,
      stickyQueueScheduleToStartTimeout: STICKY_WAIT,
    },
    {
      ...common,
      taskQueue: taskQueues.records,
      activities: recordActivities({ department, client }),
      ...slots(10),
    },
    {
      ...common,
      taskQueue: taskQueues.integration,
      activities: integrationActivities({
        department,
        receivers,
        log,
        answerTimeoutMs: context.answerTimeoutMs,
      }),
      ...slots(40),
    },
    { ...common, taskQueue: taskQueues.sweeps, activities: sweepActivities({ department }), ...slots(2) },
  ])
  const runs = workers.map((worker) => worker.run())
  return {
    done: Promise.all(runs).then(() => undefined),
    async stop() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
      await Promise.allSettled(runs)
      await receivers.close()
      await connection.close()
      await client.connection.close()
    },
  }
}

/** Plain objects of functions are what the SDK takes; our interfaces have no index signature. */
type Options = Omit<WorkerOptions, 'activities'> & { activities?: object }

function createAll(all: Options[]): Promise<Worker[]> {
  return Promise.all(
    all.map((options) =>
      Worker.create({
        // An attempt that waits for a slow receiver is left behind after this; it goes out again under its control id.
        shutdownGraceTime: '2s',
        shutdownForceTime: '8s',
        ...options,
      } as WorkerOptions),
    ),
  )
}

function slots(count: number): Pick<WorkerOptions, 'maxConcurrentActivityTaskExecutions'> {
  return { maxConcurrentActivityTaskExecutions: count }
}

async function untilTemporalIsReady(prepare: () => Promise<void>, log: Log): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await prepare()
    } catch (error) {
      if (attempt % 10 === 1) log.warn({ err: error }, 'Temporal does not answer yet, waiting for it')
      await sleep(RETRY_CONNECT_MS)
    }
  }
}
