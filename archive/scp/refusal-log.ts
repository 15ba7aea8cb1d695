/** Writes what happened at the door to the audit trail and the list of exceptions, however fast it happens. */
import type { Logger } from 'pino'
import { isAboutTheData } from '#db/client.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { raiseException } from '#db/mutations/exceptions.ts'
import { mutate, type Scope } from '#db/mutations/mutate.ts'
import type { Incident } from './refusals.ts'

interface Entry {
  incident: Incident
  times: number
  /** It stands in the log already. */
  isSaid?: true
}

export interface RefusalLimits {
  /** Different incidents that may wait to be written; beyond it, those of one type are told as one. */
  waiting: number
  /** Open exceptions of this kind; beyond it, one of them stands for the rest. */
  listed: number
}

const LIMITS: RefusalLimits = { waiting: 1_000, listed: 500 }
const PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000

/**
 * The first of a kind is written at once; what is the same and comes while another is written, or in the pause after, is
 * counted and written as one. So a flood costs a bounded number of rows a second, and nothing that happened is uncounted:
 * while the database is away it waits.
 */
export class RefusalLog {
  readonly #department: Department
  readonly #log: Logger
  readonly #limits: RefusalLimits
  #waiting = new Map<string, Entry>()
  #writing: Promise<void> | undefined
  #pause: { end(): void } | undefined
  #noted = 0
  #failed = 0
  #isClosing = false

  constructor(department: Department, log: Logger, limits = LIMITS) {
    this.#department = department
    this.#log = log
    this.#limits = limits
  }

  /** How many incidents there were since the start. */
  get noted(): number {
    return this.#noted
  }

  /** How often the database could not take one. */
  get failed(): number {
    return this.#failed
  }

  note(incident: Incident): void {
    this.#noted += 1
    const one =
      this.#waiting.size < this.#limits.waiting || this.#waiting.has(incident.key)
        ? incident
        : folded(incident)
    const entry = this.#waiting.get(one.key)
    if (entry) entry.times += 1
    else this.#waiting.set(one.key, { incident: one, times: 1 })
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#pause?.end()
    await this.#writing
  }

  async #write(): Promise<void> {
    let pauseMs = PAUSE_MS
    while (this.#waiting.size > 0) {
      const round = this.#waiting
      this.#waiting = new Map()
      const left: Entry[] = []
      for (const entry of round.values()) {
        const isDone = left.length === 0 && (await this.#record(entry))
        if (!isDone) left.push(entry)
      }
      for (const entry of left) this.#again(entry)
      pauseMs = left.length === 0 ? PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
      if (!this.#isClosing) await this.#rest(pauseMs)
      else if (left.length > 0) return this.#giveUp()
    }
  }

  /** False when the database could not take it now: those behind it wait too. */
  async #record(entry: Entry): Promise<boolean> {
    this.#say(entry)
    try {
      await record(this.#department, entry, this.#limits.listed)
    } catch (error) {
      this.#failed += 1
      this.#log.error({ err: error }, 'a refusal could not be written down')
      return isAboutTheData(error)
    }
    return true
  }

  /** In the log at once, whether or not the database is there. */
  #say(entry: Entry): void {
    if (entry.isSaid) return
    const { audit, aeTitle, address } = entry.incident
    this.#log.warn({ aeTitle, address, times: entry.times, ...audit.data }, audit.type)
    entry.isSaid = true
  }

  #again(entry: Entry): void {
    const { key } = entry.incident
    const since = this.#waiting.get(key)
    this.#waiting.set(key, since ? { ...entry, times: entry.times + since.times } : entry)
  }

  #giveUp(): void {
    this.#log.error({ refusals: this.#waiting.size }, 'refusals were not written down: the database is away')
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      const end = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#pause = { end }
    })
  }
}

function folded({ audit }: Incident): Incident {
  const { type, outcome } = audit
  const why = 'More peers were turned away at once than are told of one by one'
  return {
    key: `many:${type}`,
    aeTitle: '(many)',
    address: '',
    audit: { type, outcome, data: { why } },
    exception: { reasonCode: 'many', reason: `${why}.`, refs: { type } },
  }
}

async function record(department: Department, { incident, times }: Entry, room: number): Promise<void> {
  const { aeTitle, address, audit, exception } = incident
  const act = await deviceAct(department, aeTitle, { address })
  await mutate(department, act, 'note-refusal', async (scope) => {
    const { type, outcome, data } = audit
    const counted = times > 1 ? { ...data, times } : data
    scope.audit({ subject: `device:${aeTitle}`, type, outcome, data: counted })
    if (exception) await list(scope, incident, { ...exception, times }, room)
  })
}

async function list(
  scope: Scope,
  { aeTitle, key }: Incident,
  { times, ...exception }: NonNullable<Incident['exception']> & { times: number },
  room: number,
): Promise<void> {
  const [row] = await scope.sql<{ id: string; listed: number; isListed: boolean }[]>`
    select site_id as id, listed, "isListed" from (
      select site_id, 0 as rank from devices where ae_title = ${aeTitle}
      union all select id, 1 from (select id from sites order by id limit 1) first) place,
      (select count(*)::int as listed, coalesce(bool_or(key = ${key}), false) as "isListed" from exceptions
        where kind = 'refused-association' and state = 'open') so_far
    order by rank limit 1`
  if (!row) return
  const hasRoom = row.isListed || row.listed < room
  const one = hasRoom ? exception : { reasonCode: 'many', reason: LIST_IS_FULL, refs: {} }
  const kind = 'refused-association'
  await raiseException(scope, { kind, key: hasRoom ? key : 'many', ...one, siteId: row.id, times })
}

const LIST_IS_FULL =
  'More peers were turned away than are listed here. Close what is mended; the audit trail has each of them.'
