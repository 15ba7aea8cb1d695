/** The retention sweep: a schedule starts it, and it looks at every row whose date has come. */
import { sweeps } from './activities.ts'

/** Answers how many studies were proposed for a move or for destruction. */
export async function retentionSweepWorkflow(): Promise<{ proposed: number }> {
  return sweeps.sweepRetention()
}
