/** Activities of the schedules. */
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { sweepRetention } from '#db/mutations/retention.ts'
import type { SweepActivities } from '#workflows/activities.ts'
import { refusalsAsFailures } from '../failure.ts'

export function sweepActivities({ department }: { department: Department }): SweepActivities {
  return refusalsAsFailures<SweepActivities>({
    async sweepRetention() {
      return sweepRetention(department, await dutyAct(department))
    },
  })
}
