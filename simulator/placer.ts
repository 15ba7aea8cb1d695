/** The order placer (IHE RAD-2): orders at the pace of a day, each sent until it is acknowledged, some cancelled, some repeated. */
import { ulid } from 'ulid'
import type { Answer } from '#interop/v2/answer.ts'
import { connectMllp, type MllpClient } from '#interop/v2/mllp-client.ts'
import { buildOrm, newControlId, type OrmContent } from './orm.ts'
import type { Outbox, OutboxEntry } from './outbox.ts'
import { keepDoing, ordersPerHour, type Pace } from './pace.ts'
import type { Random } from './random.ts'
import { type SimulatedOrder, simulatedOrder } from './simulated-order.ts'

export interface Room {
  aeTitle: string
  modality: string
}

export interface PlacerOptions {
  mllp: { host: string; port: number }
  outbox: Outbox
  pace: Pace
  random: Random
  /** The department's clock. */
  now: () => Date
  /** IANA zone of the department: its day has the rush hours. */
  zone: string
  rooms: readonly Room[]
  say?: (event: PlacerEvent) => void
  answerTimeoutMs?: number
}

export type PlacerEvent =
  | { event: 'sent'; placer: string; controlId: string; answer: string }
  | { event: 'unanswered'; placer: string; controlId: string; outcome: string }
  | { event: 'given-up'; placer: string; controlId: string; answer: string }
  | { event: 'trouble'; error: unknown }

export class Placer {
  readonly #options: PlacerOptions
  readonly #client: MllpClient
  readonly #freeFrom = new Map<string, number>()
  /** Wakes the sender when there is something new to send. */
  #wake: () => void = () => {}

  constructor(options: PlacerOptions) {
    this.#options = options
    this.#client = connectMllp(options.mllp)
  }

  /** Orders, sends and repeats until the department closes. */
  async run(): Promise<void> {
    const { pace, say } = this.#options
    const trouble = (error: unknown) => say?.({ event: 'trouble', error })
    this.#opening()
    await Promise.all([
      keepDoing(pace, () => this.#orderNext(), trouble),
      keepDoing(pace, () => this.#sendNext(), trouble),
    ])
    await this.#client.close()
  }

  /** What waits at the door when the lights go on, so that no list is empty for long. */
  #opening(): void {
    for (const wanted of OPENING) this.#place(simulatedOrder(this.#options.random, newPlacerNumber(), wanted))
  }

  async #orderNext(): Promise<void> {
    const { pace, random, now, zone } = this.#options
    const hour = Number(
      new Intl.DateTimeFormat('en-GB', { hour: '2-digit', hourCycle: 'h23', timeZone: zone }).format(now()),
    )
    // Orders come independently of each other: the gaps between them are exponential.
    const gapMinutes = (-Math.log(1 - random.next()) * 60) / ordersPerHour(hour)
    await pace.wait(pace.minutes(gapMinutes))
    this.#place(simulatedOrder(random, newPlacerNumber()))
  }

  #place(order: SimulatedOrder): void {
    const { random, pace } = this.#options
    const start = this.#startOf(order)
    const content = { ...order.content, ...start, at: this.#options.now(), zone: this.#options.zone }
    this.#post(content)
    if (order.content.priority !== 'routine' || !random.chance(CANCELLED)) return
    const after = pace.minutes(random.between(2, 20))
    // Forgotten when the simulator ends first: then the order was simply not cancelled.
    pace.wait(after).then(
      () => this.#post({ ...content, control: 'CA' }),
      () => {},
    )
  }

  #post(content: OrmContent): void {
    const controlId = newControlId()
    const { outbox, now } = this.#options
    outbox.add({ controlId, placer: content.placer, bytes: buildOrm({ ...content, controlId, at: now() }) })
    this.#wake()
  }

  /**
   * A time soon, in the room that is free first; nothing when that is hours away or, for one in five of those
   * that can wait, on purpose: then the scheduler finds a time.
   */
  #startOf({ entry, content }: SimulatedOrder): { start?: Date; procedures?: OrmContent['procedures'] } {
    const { random, now, rooms } = this.#options
    const canWait = content.priority === 'routine'
    if (canWait && random.chance(UNBOOKED)) return {}
    const earliest = now().getTime() + (content.priority === 'stat' ? 1 : random.between(1, 8)) * MINUTE_MS
    const [room] = rooms
      .filter(({ modality }) => modality === entry.modality)
      .map(({ aeTitle }) => ({ aeTitle, at: Math.max(earliest, this.#freeFrom.get(aeTitle) ?? 0) }))
      .sort((a, b) => a.at - b.at)
    if (!room || room.at > now().getTime() + FURTHEST_MINUTES * MINUTE_MS) return {}
    const start = Math.ceil(room.at / MINUTE_MS) * MINUTE_MS
    this.#freeFrom.set(room.aeTitle, start + (entry.slotMinutes + entry.prepMinutes) * MINUTE_MS)
    const procedures = content.procedures.map((procedure) => ({ ...procedure, room: room.aeTitle }))
    return { start: new Date(start), procedures }
  }

  /** The oldest first: a cancel never overtakes its order. */
  async #sendNext(): Promise<void> {
    const { outbox, pace, random } = this.#options
    const entry = outbox.pending[0]
    if (!entry) return this.#untilSomethingComes()
    const answer = await this.#send(entry)
    if (answer === undefined) return
    if (answer.kind === 'acknowledged' || !isOrder(entry)) {
      outbox.settle(entry.controlId)
      // As interfaces do whose memory of the answer was lost: the same message once more.
      if (answer.kind === 'acknowledged' && random.chance(REPEATED)) await this.#send(entry)
      return
    }
    await this.#afterRefusal(entry, answer, pace)
  }

  readonly #refusals = new Map<string, number>()

  /** A refused order is repeated for a while, since its cause may pass; then a person would have to look at it. */
  async #afterRefusal(entry: OutboxEntry, answer: Answer, pace: Pace): Promise<void> {
    const { outbox, say } = this.#options
    const times = (this.#refusals.get(entry.controlId) ?? 0) + 1
    this.#refusals.set(entry.controlId, times)
    if (answer.kind === 'rejected' || times >= REFUSALS_BORNE) {
      outbox.settle(entry.controlId)
      const { placer, controlId } = entry
      say?.({ event: 'given-up', placer, controlId, answer: describe(answer) })
      return
    }
    await pace.wait(Math.min(60_000, 1_000 * 2 ** times))
  }

  async #send({ controlId, placer, bytes }: OutboxEntry): Promise<Answer | undefined> {
    const { say, pace, answerTimeoutMs = 30_000 } = this.#options
    try {
      const { read } = await this.#client.send(bytes, { controlId, timeoutMs: answerTimeoutMs })
      say?.({ event: 'sent', placer, controlId, answer: describe(read) })
      return read
    } catch (error) {
      say?.({
        event: 'unanswered',
        placer,
        controlId,
        outcome: (error as { outcome?: string }).outcome ?? 'failed',
      })
      await pace.wait(RESEND_AFTER_MS)
      return undefined
    }
  }

  #untilSomethingComes(): Promise<void> {
    const { closing } = this.#options.pace
    return new Promise((resolve) => {
      this.#wake = resolve
      closing.addEventListener('abort', () => resolve(), { once: true })
      if (closing.aborted) resolve()
    })
  }
}

const MINUTE_MS = 60_000
const UNBOOKED = 0.2
const CANCELLED = 0.05
const REPEATED = 0.03
const REFUSALS_BORNE = 12
const RESEND_AFTER_MS = 2_000
const FURTHEST_MINUTES = 8 * 60

/** Short exams first: the first of them is read and delivered within minutes. */
const OPENING = [
  { code: '36643-5', priority: 'stat' },
  { code: '30799-1', priority: 'stat' },
  { code: '30746-2', priority: 'urgent' },
  { code: '29252-4', priority: 'routine' },
  { code: '24558-9', priority: 'routine' },
  { code: '30657-1', priority: 'routine' },
] as const

function newPlacerNumber(): string {
  return `SYN-${ulid().slice(-16)}`
}

function isOrder({ bytes }: OutboxEntry): boolean {
  return !/\rORC\|CA/.test(bytes.toString('latin1'))
}

function describe(answer: Answer): string {
  return [answer.code ?? answer.kind, ...answer.errors.map(({ code }) => code)].join(' ')
}
