/** A technologist: lets patients in when their time has come, ends exams that no scanner ends, looks at images and decides. */
import { type Answered, type PersonOptions, report, runPerson } from './person.ts'
import type { WebSession } from './web-session.ts'

interface ScanQueue {
  steps: {
    stepId: string
    status: string
    plannedStart: Date | null
    priority: string
    images: number
    begun: { inferred: boolean; endedAt: Date | null } | null
  }[]
}

interface QualityScreen {
  toCheck: { id: string; isMine: boolean; isTaken: boolean }[]
  check: { item: { fence: number; kind: 'quality' | 'complete' } } | null
  isMine: boolean
}

export function runTechnologist(options: PersonOptions): Promise<void> {
  const technologist = new Technologist(options)
  return runPerson(options, (session) => technologist.round(session))
}

class Technologist {
  readonly #options: PersonOptions
  /** Images on a table at the last look, by step. */
  readonly #imagesSeen = new Map<string, number>()
  /** When each patient comes: a few minutes early or late, and a few never. */
  readonly #comesAt = new Map<string, number>()

  constructor(options: PersonOptions) {
    this.#options = options
  }

  async round(session: WebSession): Promise<void> {
    const { pace } = this.#options
    const { steps } = await session.page<ScanQueue>('/scan-queue')
    for (const step of steps) {
      if (step.status === 'scheduled' && this.#isHere(step)) await this.#act(session, 'arrive', step.stepId)
      if (step.status === 'started' && this.#isOver(step)) await this.#act(session, 'end', step.stepId)
    }
    await this.#lookAtImages(session)
    await pace.wait(pace.minutes(ROUND_MINUTES))
  }

  async #act(session: WebSession, intent: 'arrive' | 'end', stepId: string): Promise<void> {
    const { data } = await session.submit<Answered>('/scan-queue', { intent, stepId })
    report(this.#options, intent, data)
  }

  #isHere({ stepId, plannedStart, priority }: ScanQueue['steps'][number]): boolean {
    if (!plannedStart) return false
    const known = this.#comesAt.get(stepId)
    const comesAt = known ?? plannedStart.getTime() + this.#lateness(priority)
    this.#comesAt.set(stepId, comesAt)
    return comesAt <= this.#options.now().getTime()
  }

  #lateness(priority: string): number {
    const { random } = this.#options
    if (priority === 'stat') return -MINUTE_MS
    if (random.chance(NEVER_COMES)) return Number.POSITIVE_INFINITY
    return random.between(-8, 4) * MINUTE_MS
  }

  /** Begun by its first image, and nothing new since the last look: no performed step will ever say that it is over. */
  #isOver({ stepId, begun, images }: ScanQueue['steps'][number]): boolean {
    if (!begun?.inferred || begun.endedAt !== null || images === 0) return false
    const before = this.#imagesSeen.get(stepId)
    this.#imagesSeen.set(stepId, images)
    return before === images
  }

  async #lookAtImages(session: WebSession): Promise<void> {
    const { pace, random } = this.#options
    const { toCheck } = await session.page<QualityScreen>('/quality-check')
    const next = toCheck.find(({ isMine }) => isMine) ?? toCheck.find(({ isTaken }) => !isTaken)
    if (!next) return
    const address = `/quality-check/${next.id}`
    if (!next.isMine) await session.submit(address, { intent: 'claim' })
    const { check, isMine } = await session.page<QualityScreen>(address)
    if (!check || !isMine) return
    await pace.wait(pace.minutes(LOOKING_MINUTES * random.between(0.5, 2)))
    const { fence, kind } = check.item
    const decision = kind === 'complete' ? AS_IT_IS : random.chance(REJECTED) ? POOR : GOOD
    const { data } = await session.submit<Answered>(address, { ...decision, fence })
    report(this.#options, decision.intent, data)
  }
}

const MINUTE_MS = 60_000
const ROUND_MINUTES = 0.15
const LOOKING_MINUTES = 0.3
const NEVER_COMES = 0.02
const REJECTED = 0.03
const GOOD = { intent: 'accept' }
const AS_IT_IS = { intent: 'accept-incomplete', reason: 'enough' }
/** Motion (CID 7011), every image, taken again. */
const POOR = { intent: 'reject', reason: '111210', instances: '', repeated: 'yes' }
