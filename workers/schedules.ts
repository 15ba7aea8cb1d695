/** Everything that happens by the calendar, as one list; made or brought up to date whenever workers start. */
import type { Client, ScheduleOptions } from '@temporalio/client'
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client'
import { taskQueues, workflowNames } from '#workflows/contract.ts'

export const schedules: ScheduleOptions[] = [
  {
    scheduleId: 'sweep-retention',
    // What came due waits a quarter of an hour at most; a date is a matter of days.
    spec: { intervals: [{ every: '15 minutes' }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
    action: {
      type: 'startWorkflow',
      workflowType: workflowNames.retentionSweep,
      workflowId: 'sweep-retention',
      taskQueue: taskQueues.orders,
      args: [],
    },
  },
]

/** Idempotent; a schedule that somebody paused stays paused. */
export async function ensureSchedules(client: Client): Promise<void> {
  for (const schedule of schedules) {
    try {
      await client.schedule.create(schedule as never)
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error
      const handle = client.schedule.getHandle(schedule.scheduleId)
      await handle.update(({ state }) => ({ ...schedule, state }) as never)
    }
  }
}
