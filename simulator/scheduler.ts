/** A scheduler: whatever waits without a time gets the first free one. */
import { type Answered, type PersonOptions, report, runPerson } from './person.ts'
import type { WebSession } from './web-session.ts'

interface ToSchedule {
  waiting: { stepId: string }[]
  proposals: { roomId: string; start: Date }[]
}

export function runScheduler(options: PersonOptions): Promise<void> {
  const { pace } = options
  return runPerson(options, async (session) => {
    await bookNext(options, session)
    await pace.wait(pace.minutes(ROUND_MINUTES))
  })
}

const ROUND_MINUTES = 0.4

async function bookNext(options: PersonOptions, session: WebSession): Promise<void> {
  const { waiting } = await session.page<ToSchedule>('/to-schedule')
  const [step] = waiting
  if (!step) return
  const { proposals } = await session.page<ToSchedule>(`/to-schedule?step=${step.stepId}`)
  const [slot] = proposals
  if (!slot) return
  const booking = {
    intent: 'book',
    stepId: step.stepId,
    roomId: slot.roomId,
    start: slot.start.toISOString(),
  }
  report(options, 'book', (await session.submit<Answered>('/to-schedule', booking)).data)
}
