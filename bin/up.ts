/** `isocenter up`: one department in the foreground, from its database to its screens, until it is told to stop. */
import { existsSync, lstatSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Config, type Environment, inheritedEnvironment, readConfig } from '../config.ts'
import { buildScreens, buildViewer } from './builds.ts'
import { type CertificateFiles, keptCertificate } from './certificate.ts'
import { type Demonstration, describeEndpoints, removeEndpoints, writeEndpoints } from './endpoints.ts'
import { CommandFailure, EXIT, missing } from './failure.ts'
import { endStrays, type HeldHome, holdHome, keptIsDemo, keptSecretKey, recordProcesses } from './home.ts'
import { requireFreePorts } from './ports.ts'
import {
  type Cluster,
  clusterUrl,
  endStrayPostmaster,
  ensureDatabase,
  postmasterCommand,
  prepareCluster,
  untilItAnswers,
} from './postgres.ts'
import { startedAtTicks } from './process-table.ts'
import { Steps } from './steps.ts'
import { type ProcessPlan, Supervisor } from './supervisor.ts'
import {
  findTemporal,
  NoTemporal,
  prepareNamespace,
  temporalAddress,
  temporalAnswers,
  temporalCommand,
  untilTemporalAnswers,
} from './temporal.ts'

export interface UpOptions {
  home: string | undefined
  basePort: number | undefined
  simulate: boolean
  speed: number | undefined
  demo: boolean
  /** How long the launcher installed dependencies, when it did. */
  installedMs: number | undefined
}

const ROOT = fileURLToPath(new URL('../', import.meta.url))
/** Threads for the file system, of which each association that syncs an object holds up to three. */
const THREADS: Partial<Record<keyof typeof ENTRIES, number>> = { archive: 24 }
/**
 * Objects pass through the archive and leave nothing behind: a small young generation and few malloc arenas keep it at
 * half the memory, which the page cache then has.
 */
const FLAGS: Partial<Record<keyof typeof ENTRIES, string[]>> = {
  archive: ['--max-semi-space-size=4', '--expose-gc'],
}
const SETTINGS: Partial<Record<keyof typeof ENTRIES, Environment>> = { archive: { MALLOC_ARENA_MAX: '2' } }
const ENTRIES = {
  relay: 'workers/relay/main.ts',
  workers: 'workers/main.ts',
  archive: 'archive/main.ts',
  interop: 'interop/main.ts',
  app: 'app/main.ts',
  simulator: 'simulator/main.ts',
} as const

/** Runs until a signal; answers the exit code. @throws CommandFailure before anything is left running */
export async function up(options: UpOptions): Promise<number> {
  const config = readConfig(commandEnvironment(options))
  const home = await holdHome(config.home)
  const department = new Department({ ...config, home: home.path }, home, options)
  const stopped = department.stopOnSignal()
  try {
    await department.start()
  } catch (error) {
    await department.stop()
    if (department.wasAskedToStop) return EXIT.stopped
    throw error instanceof CommandFailure || error instanceof NoTemporal
      ? error
      : missing((error as Error).message)
  }
  await stopped
  return EXIT.stopped
}

/** The flags of the command line, as the variables they stand for. */
function commandEnvironment(options: UpOptions): Environment {
  return {
    ...inheritedEnvironment(),
    ...(options.home === undefined ? {} : { ISOCENTER_HOME: resolve(options.home) }),
    ...(options.basePort === undefined ? {} : { ISOCENTER_BASE_PORT: String(options.basePort) }),
    ...(options.speed === undefined ? {} : { ISOCENTER_SPEED: String(options.speed) }),
  }
}

class Department {
  #config: Config
  readonly #home: HeldHome
  readonly #options: UpOptions
  readonly #supervisor: Supervisor
  readonly #steps = new Steps(say)
  #demonstration: Demonstration | undefined
  /** Undefined: the environment names one. */
  #certificate: CertificateFiles | undefined
  #isPublished = false
  #stopping: Promise<void> | undefined
  wasAskedToStop = false

  constructor(config: Config, home: HeldHome, options: UpOptions) {
    this.#config = config
    this.#home = home
    this.#options = options
    this.#supervisor = new Supervisor({ logs: home.logs, say, onChange: () => this.#publish() })
  }

  async start(): Promise<void> {
    say(`Isocenter, home ${this.#home.path}`)
    if (this.#options.installedMs !== undefined) {
      this.#steps.download('dependencies installed', this.#options.installedMs, { isBeforeUs: true })
    }
    await this.#clearTheGround()
    await this.#steps.take('screens built', () => buildScreens(join(this.#home.logs, 'build.log')))
    await this.#steps.take('viewer prepared', buildViewer)
    await this.#startDatabase()
    await this.#seed()
    await this.#startTemporal()
    await this.#prepareCertificate()
    await this.#startProcesses()
    this.#isPublished = true
    this.#publish()
    if (this.#options.simulate)
      await this.#steps.take('simulated department', () => this.#startOurs('simulator'))
    if (this.wasAskedToStop) throw new Error('stopped while starting')
    say(this.#steps.summary())
    say(`Isocenter is ready: ${this.#config.publicUrl}`)
    this.#tellWhere()
  }

  /** Settles when a signal, or the end of the launcher, has led to a clean stop. */
  stopOnSignal(): Promise<void> {
    return new Promise((resolve) => {
      const stop = (why: string) => {
        if (this.wasAskedToStop) return
        this.wasAskedToStop = true
        say(`stopping (${why})`)
        void this.stop().then(() => {
          say('stopped')
          resolve()
        })
      }
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal))
      process.once('disconnect', () => stop('the launcher has ended'))
    })
  }

  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#isPublished = false
      await this.#supervisor.stopAll()
      removeEndpoints(this.#home.path)
      this.#home.release()
    })()
    return this.#stopping
  }

  /** Ends what a killed `up` left behind, then makes sure that every port is free. */
  async #clearTheGround(): Promise<void> {
    const { path } = this.#home
    const isDemo = keptIsDemo(path, this.#options.demo && this.#config.isDemo)
    this.#config = { ...this.#config, isDemo }
    removeEndpoints(path)
    const strays = await endStrays(path)
    const dataDir = join(path, 'postgres')
    const postmaster = lstatSync(dataDir, { throwIfNoEntry: false })
      ? await endStrayPostmaster(realpathSync(dataDir))
      : undefined
    if (postmaster !== undefined) strays.push('postgres')
    if (strays.length) say(`stopped what an earlier run left behind: ${strays.join(', ')}`)
    const { ports, listen } = this.#config
    await requireFreePorts(listen, {
      app: ports.app,
      MLLP: ports.mllp,
      DICOM: ports.dicom,
      'DICOM TLS': ports.dicomTls,
      ...(this.#options.simulate ? { 'simulated EMR': ports.emr, 'EMR control': ports.emrControl } : {}),
    })
    await requireFreePorts('127.0.0.1', {
      ...(this.#config.databaseIsManaged ? {} : { Postgres: ports.postgres }),
      ...(this.#config.temporal.isManaged
        ? {}
        : { Temporal: ports.temporal, 'Temporal UI': ports.temporalUi }),
    })
  }

  async #startDatabase(): Promise<void> {
    if (!this.#config.databaseIsManaged) {
      const cluster = await this.#steps.take('database prepared', () =>
        prepareCluster({ home: this.#home.path, port: this.#config.ports.postgres }),
      )
      await this.#steps.take('database answers', () => this.#supervisor.start(postgresPlan(cluster)))
      this.#config = { ...this.#config, databaseUrl: clusterUrl(cluster) }
    }
    const { migrate } = await import('../db/migrate.ts')
    await this.#steps.take('database at the newest schema', async () => {
      try {
        await migrate(this.#config.databaseUrl)
      } catch (error) {
        const remedy = this.#config.databaseIsManaged ? '; check DATABASE_URL and that server' : ''
        throw missing(
          `the database could not be brought to the newest schema (${(error as Error).message})${remedy}`,
        )
      }
    })
  }

  async #seed(): Promise<void> {
    const secret = keptSecretKey(this.#home.path)
    this.#config = { ...this.#config, secretKey: this.#config.secretKey ?? secret.key }
    const { databaseUrl, isDemo } = this.#config
    if (!isDemo) {
      const { seedEmpty } = await import('../db/seed/empty.ts')
      const { password } = await this.#steps.take('department seeded', () => seedEmpty(databaseUrl))
      // At once, not with the rest: should a later step fail, nobody would ever be told.
      if (password) say(`  administrator: admin, password ${password} (said only this once)`)
      return
    }
    const { seedDemo } = await import('../db/seed/demo.ts')
    const { listen, ports, speed } = this.#config
    this.#demonstration = await this.#steps.take('demonstration department seeded', () =>
      seedDemo(databaseUrl, { secretKey: this.#config.secretKey ?? secret.key, listen, ports, speed }),
    )
  }

  async #startTemporal(): Promise<void> {
    const where = temporalAddress(this.#config)
    if (this.#config.temporal.isManaged) {
      if (!(await temporalAnswers(where))) {
        throw missing(
          `TEMPORAL_ADDRESS: nothing answers at ${where.address}; start that server or unset the variable`,
        )
      }
    } else {
      const { binary, fetchedMs } = await findTemporal(this.#config.temporalBinary)
      if (fetchedMs !== undefined) this.#steps.download('workflow engine fetched', fetchedMs)
      await this.#steps.take('workflow engine answers', () =>
        this.#supervisor.start(this.#temporalPlan(binary)),
      )
    }
    await this.#steps.take('workflow namespace prepared', () => prepareNamespace(where))
  }

  #temporalPlan(binary: string): ProcessPlan {
    const where = temporalAddress(this.#config)
    const { temporal: port, temporalUi: uiPort } = this.#config.ports
    const command = temporalCommand({
      binary,
      home: this.#home.path,
      port,
      uiPort,
      namespace: where.namespace,
    })
    const readiness = (hasDied: () => boolean) => untilTemporalAnswers(where, hasDied)
    return {
      name: 'temporal',
      ...command,
      env: plainEnvironment(),
      cwd: ROOT,
      readiness,
      stopSignal: 'SIGTERM',
    }
  }

  async #prepareCertificate(): Promise<void> {
    const { dicom, home, listen } = this.#config
    if (dicom.tls) return
    this.#certificate = await this.#steps.take('DICOM certificate ready', () => keptCertificate(home, listen))
  }

  async #startProcesses(): Promise<void> {
    await this.#steps.take('relay, workers, archive, interop and app ready', () =>
      Promise.all(
        (['relay', 'workers', 'archive', 'interop', 'app'] as const).map((name) => this.#startOurs(name)),
      ),
    )
    await this.#steps.take('application healthy', () => untilHealthy(this.#config))
  }

  async #startOurs(name: keyof typeof ENTRIES): Promise<void> {
    const entry = join(ROOT, ENTRIES[name])
    if (!existsSync(entry)) return say(`  ${name} is not there yet: ${ENTRIES[name]}`)
    await this.#supervisor.start({
      name,
      command: process.execPath,
      args: [...(FLAGS[name] ?? []), '--import', new URL('./guard.ts', import.meta.url).href, entry],
      env: {
        ...this.#childEnvironment(),
        ...SETTINGS[name],
        UV_THREADPOOL_SIZE: String(THREADS[name] ?? 4),
      },
      cwd: ROOT,
      readiness: 'message',
      stopSignal: 'SIGTERM',
    })
  }

  #childEnvironment(): Environment {
    const { home, databaseUrl, temporal, isDemo, speed, secretKey } = this.#config
    return {
      ...plainEnvironment(),
      ...(this.#config.basePort === undefined ? {} : { ISOCENTER_BASE_PORT: String(this.#config.basePort) }),
      NODE_ENV: 'production',
      ISOCENTER_HOME: home,
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      ISOCENTER_DEMO: String(isDemo),
      ISOCENTER_SPEED: String(speed),
      ISOCENTER_SECRET_KEY: secretKey,
      ...(this.#certificate
        ? {
            DICOM_TLS_CERT_FILE: this.#certificate.certFile,
            DICOM_TLS_KEY_FILE: this.#certificate.keyFile,
          }
        : {}),
    }
  }

  /** Brings the files that name process ids up to date. */
  #publish(): void {
    const { processes } = this.#supervisor
    const recorded = Object.entries(processes).flatMap(([name, pids]) =>
      pids.map((pid) => ({ name, pid, startedAtTicks: startedAtTicks(pid) ?? 0 })),
    )
    recordProcesses(this.#home.path, recorded)
    if (!this.#isPublished) return
    const endpoints = { config: this.#config, processes, demonstration: this.#demonstration }
    writeEndpoints(this.#home.path, describeEndpoints(endpoints))
  }

  #tellWhere(): void {
    const { listen, ports, aeTitle, temporal } = this.#config
    say('')
    for (const { user, password, role } of this.#demonstration?.accounts ?? []) {
      say(`  ${user.padEnd(14)} ${password.padEnd(26)} ${role}`)
    }
    say('')
    say(`  HL7 v2 (MLLP)  ${listen}:${ports.mllp}`)
    say(
      `  DICOM          ${listen}:${ports.dicom}, with TLS ${listen}:${ports.dicomTls}, AE title ${aeTitle}`,
    )
    if (!temporal.isManaged)
      say(`  Temporal       ${temporal.address}, web http://127.0.0.1:${ports.temporalUi}`)
    if (!this.#config.databaseIsManaged) say(`  Postgres       127.0.0.1:${ports.postgres}`)
    say(`  everything     ${join(this.#home.path, 'endpoints.json')}`)
    say('  Ctrl-C stops it; the next start comes back with everything.')
  }
}

function postgresPlan(cluster: Cluster): ProcessPlan {
  const readiness = async (hasDied: () => boolean) => {
    await untilItAnswers(cluster, hasDied)
    await ensureDatabase(cluster)
  }
  // SIGINT is Postgres's fast shutdown: open connections are ended instead of waited for.
  const plan = {
    name: 'postgres',
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    cwd: '/',
    stopSignal: 'SIGINT',
  } as const
  return { ...plan, ...postmasterCommand(cluster), readiness }
}

/** Without what npm adds for its scripts, which means nothing to a server. */
function plainEnvironment(): Environment {
  return Object.fromEntries(
    Object.entries(inheritedEnvironment()).filter(([name]) => !name.startsWith('npm_')),
  )
}

/** @throws when the application still does not call itself healthy after 60 s */
async function untilHealthy(config: Config): Promise<void> {
  if (!existsSync(join(ROOT, ENTRIES.app))) return
  const url = `http://${config.listen}:${config.ports.app}/health`
  let last = 'no answer'
  for (const until = Date.now() + 60_000; Date.now() < until; ) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return
    last = response ? `HTTP ${response.status}` : 'no answer'
    await new Promise((done) => setTimeout(done, 200))
  }
  throw missing(
    `${url} does not say that the department is healthy (${last}); the logs say why: ${config.home}/logs`,
  )
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
