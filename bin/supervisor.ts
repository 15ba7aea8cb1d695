/** Keeps processes alive: starts them in order, waits until each answers, restarts what dies, stops in reverse order. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ProcessPlan {
  name: string
  command: string
  args: string[]
  env: Record<string, string | undefined>
  cwd: string
  uid?: number | undefined
  gid?: number | undefined
  /** A process of ours says `{ type: 'ready' }` and answers pings; another program is asked by this function. */
  readiness: 'message' | ((hasDied: () => boolean) => Promise<void>)
  stopSignal: NodeJS.Signals
}

export interface SupervisorOptions {
  logs: string
  say: (line: string) => void
  /** Called whenever a process has a new id, before anything else is told about it. */
  onChange: () => void
}

interface Watched {
  plan: ProcessPlan
  child: ChildProcess | undefined
  failures: number
  stopping: boolean
  /** Settles when a stopped process has ended for good. */
  ended: Promise<void>
}

const FIRST_BACKOFF_MS = 500
const LONGEST_BACKOFF_MS = 5_000
/** A process that lived this long was sound: its next death starts the backoff anew. */
const SOUND_AFTER_MS = 10_000
const READY_WITHIN_MS = 120_000
const STOP_WITHIN_MS = 15_000
const PING_EVERY_MS = 5_000
/** Long, since a loaded machine with two cores may keep a healthy event loop waiting for seconds. */
const SILENT_AFTER_MS = 60_000
const ATTEMPTS_TO_START = 3
const LARGEST_LOG_BYTES = 20 * 1024 * 1024

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #watched: Watched[] = []

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** Process ids by name, as they are now. */
  get processes(): Record<string, number[]> {
    return Object.fromEntries(
      this.#watched.map(({ plan, child }) => [plan.name, child?.pid === undefined ? [] : [child.pid]]),
    )
  }

  /** Starts a process and waits until it is ready. @throws when it dies again and again, or stays silent */
  async start(plan: ProcessPlan): Promise<void> {
    const watched: Watched = {
      plan,
      child: undefined,
      failures: 0,
      stopping: false,
      ended: Promise.resolve(),
    }
    this.#watched.push(watched)
    for (let attempt = 1; !watched.stopping; attempt++) {
      const trouble = await this.#launch(watched, 'first')
      if (trouble === undefined) return
      if (attempt === ATTEMPTS_TO_START) throw new Error(`${plan.name} does not start: ${trouble}`)
      // What a killed predecessor held (a port, shared memory) may take the kernel a moment to give back.
      await sleep(FIRST_BACKOFF_MS)
    }
    throw new Error(`${plan.name} was stopped while starting`)
  }

  /** Stops every process in reverse order of starting; each gets its signal, then time, then SIGKILL. */
  async stopAll(): Promise<void> {
    for (const watched of this.#watched) watched.stopping = true
    for (const watched of [...this.#watched].reverse()) await this.#stop(watched)
  }

  async #stop(watched: Watched): Promise<void> {
    const { child, plan } = watched
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill(plan.stopSignal)
      // One that was suspended (a test, a debugger) would otherwise never see the signal.
      child.kill('SIGCONT')
      const killer = setTimeout(() => {
        this.#options.say(`${plan.name} did not stop within ${STOP_WITHIN_MS / 1000} s, killing it`)
        child.kill('SIGKILL')
      }, STOP_WITHIN_MS)
      await watched.ended
      clearTimeout(killer)
    }
  }

  /** Spawns once; answers undefined when the process became ready, else what went wrong. */
  async #launch(watched: Watched, which: 'first' | 'again'): Promise<string | undefined> {
    const { plan } = watched
    const child = this.#spawn(plan)
    watched.child = child
    const begun = Date.now()
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`))
    })
    watched.ended = ended.then(() => undefined)
    this.#options.onChange()
    const hasDied = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined
    const readiness = plan.readiness === 'message' ? readyMessage(child) : plan.readiness(hasDied)
    const trouble = await Promise.race([
      readiness.then(
        () => undefined,
        (error: Error) => error.message,
      ),
      ended,
      sleep(READY_WITHIN_MS, `it was not ready within ${READY_WITHIN_MS / 1000} s`, { ref: false }),
    ])
    if (trouble !== undefined) {
      if (!hasDied()) child.kill('SIGKILL')
      const reason = await ended
      if (which === 'first')
        return `${trouble === reason ? reason : `${trouble} (${reason})`}${this.#lastWords(plan.name)}`
      void this.#restart(watched, reason, begun)
      return trouble
    }
    if (plan.readiness === 'message') this.#ping(watched, child)
    void ended.then((reason) => this.#restart(watched, reason, begun))
    return undefined
  }

  async #restart(watched: Watched, reason: string, begun: number): Promise<void> {
    const { plan } = watched
    if (watched.stopping) return
    if (Date.now() - begun > SOUND_AFTER_MS) watched.failures = 0
    const waitMs = Math.min(FIRST_BACKOFF_MS * 2 ** watched.failures, LONGEST_BACKOFF_MS)
    watched.failures += 1
    watched.child = undefined
    this.#options.say(`${plan.name} died (${reason}), restarting in ${waitMs / 1000} s`)
    this.#options.onChange()
    await sleep(waitMs)
    if (watched.stopping) return
    const trouble = await this.#launch(watched, 'again')
    if (trouble === undefined)
      this.#options.say(`${plan.name} is back (pid ${this.processes[plan.name]?.[0]})`)
  }

  #spawn(plan: ProcessPlan): ChildProcess {
    const log = openLog(join(this.#options.logs, `${plan.name}.log`))
    try {
      return spawn(plan.command, plan.args, {
        cwd: plan.cwd,
        env: plan.env,
        ...(plan.uid === undefined ? {} : { uid: plan.uid }),
        ...(plan.gid === undefined ? {} : { gid: plan.gid }),
        // A group of its own: Ctrl-C reaches the supervisor alone, which then stops the others in order.
        detached: true,
        // Straight into the file: a log that passed through the supervisor would be lost with it.
        stdio: plan.readiness === 'message' ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
      })
    } finally {
      closeSync(log)
    }
  }

  #ping(watched: Watched, child: ChildProcess): void {
    let heardAt = Date.now()
    child.on('message', (message: { type?: unknown }) => {
      if (message.type === 'pong') heardAt = Date.now()
    })
    const timer = setInterval(() => {
      if (!child.connected) return clearInterval(timer)
      if (Date.now() - heardAt > SILENT_AFTER_MS) {
        this.#options.say(`${watched.plan.name} has not answered for ${SILENT_AFTER_MS / 1000} s, killing it`)
        child.kill('SIGKILL')
      }
      // The channel may close between the check and the sending.
      child.send({ type: 'ping' }, () => undefined)
    }, PING_EVERY_MS)
    child.once('exit', () => clearInterval(timer))
  }

  /** The end of its log, which usually says why a process did not start. */
  #lastWords(name: string): string {
    const file = join(this.#options.logs, `${name}.log`)
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-30)
    const telling =
      lines.findLast((line) => /error|fatal|cannot|refused|in use/i.test(line)) ?? lines.at(-1) ?? ''
    return `; ${file} says: ${telling.trim().slice(0, 300)}`
  }
}

function readyMessage(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('message', (message: { type?: unknown }) => {
      if (message.type === 'ready') resolve()
    })
  })
}

/** Appends; a log past its size is set aside once, so that a process that restarts for ever cannot fill the disk. */
function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > LARGEST_LOG_BYTES) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}
