/** Row change to visible row with fifty screens open (RW-09). `--write` also writes the section of docs/benchmarks.md. */
import { parseArgs } from 'node:util'
import { type Department, openDepartment } from '#db/department.ts'
import { openReport, signReport } from '#db/mutations/reports.ts'
import { type Claimed, claim, release } from '#db/mutations/work-items.ts'
import { actAs } from '#db/order.fixture.ts'
import { openItem, readableStudy, studyAtTheGate } from '#db/reading.fixture.ts'
import { openBrowser } from '#e2e/app.fixture.ts'
import { type RunningDepartment, startDepartment, until } from '#e2e/department.ts'
import { writeSection } from './document.ts'
import { load, machine } from './machine.ts'
import { openPage } from './page-screen.ts'
import { percentile } from './percentile.ts'
import { openProgram, type ProgramScreen } from './program-screen.ts'
import type { Change, Screen } from './screen.ts'

const PAGES = 4
const PROGRAMS = 46
const LISTED = 150
const READERS = ['radiologist', 'resident', 'lead']
/** Nobody looks at the list as this one: they make the changes. */
const OTHER_READER = 'radiologist2'
const LOST_AFTER_MS = 30_000

interface Measured {
  kind: Screen['kind']
  state: Change['state']
  ms: number
}

const content = {
  sections: [
    { key: 'findings', text: 'No acute finding.' },
    { key: 'impression', text: 'Normal examination.' },
  ],
}

const { values: options } = parseArgs({
  options: { write: { type: 'boolean', default: false }, studies: { type: 'string', default: '20' } },
})
/** Each makes five changes: listed, taken, given back, taken again, signed. */
const STUDIES = Number(options.studies)
const running = await startDepartment()
const department = openDepartment(running.endpoints().postgres, { name: 'bench', max: 6 })
const browser = await openBrowser()
try {
  say(`department is up; bringing in ${LISTED} studies`)
  await fillList(department)
  await untilSettled(department)
  say(`opening ${PAGES} pages and ${PROGRAMS} programs`)
  const screens = await openScreens(running)
  const loadBefore = load()
  const measured = await changeRows(department, screens)
  const text = report(measured, { screens, loadBefore })
  process.stdout.write(`\n${text}\n`)
  if (options.write) writeSection('screens', text)
  for (const screen of screens) await screen.close()
} finally {
  await browser.close()
  await department.close()
  await running.stop()
}

async function fillList(department: Department): Promise<void> {
  const { sql } = department
  for (let n = 0; n < LISTED; n += 1) await readableStudy(department, n % 10 === 0 ? 'urgent' : 'routine')
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from work_items where kind = 'read' and state = 'open'`
  if (row!.n !== LISTED) throw new Error(`${row!.n} studies are listed, not ${LISTED}`)
}

/** What was brought in also went to the workflows; they finish before anything is measured. */
async function untilSettled({ sql }: Department): Promise<void> {
  const behind = async () =>
    (await sql<{ n: number }[]>`select count(*)::int as n from orders where settled_rev < rev`)[0]!.n
  await until(
    async () => (await behind()) === 0,
    180_000,
    () => 'the workflows do not catch up',
  )
  await pause(10_000)
}

async function openScreens({ endpoints, account }: RunningDepartment): Promise<Screen[]> {
  const screens: Screen[] = []
  for (let n = 0; n < PAGES + PROGRAMS; n += 1) {
    const signedIn = { app: endpoints().app, ...account(READERS[n % READERS.length]!) }
    screens.push(n < PAGES ? await openPage(browser, signedIn) : await openProgram(signedIn))
  }
  return screens
}

async function changeRows(department: Department, screens: readonly Screen[]): Promise<Measured[]> {
  const measured: Measured[] = []
  for (let n = 0; n < STUDIES; n += 1) {
    const { orderId, accept } = await studyAtTheGate(department, 'stat')
    // The technologist accepts; relay and workers put it on the list, which is when the row changes.
    const steps: [Change['state'], () => Promise<number>][] = [
      ['listed', () => acceptedAt(department, { orderId, accept })],
      ['taken', () => committed(take)],
      ['free', () => committed(giveBack)],
      ['taken', () => committed(take)],
      ['gone', () => committed(sign)],
    ]
    let held: Claimed | undefined
    const reader = () => actAs(department, OTHER_READER)
    async function take(): Promise<void> {
      held = await claim(department, await reader(), { itemId: await openItem(department, orderId, 'read') })
    }
    async function giveBack(): Promise<void> {
      await release(department, await reader(), held!)
    }
    async function sign(): Promise<void> {
      const { reportId } = await openReport(department, await reader(), held!)
      await signReport(department, await reader(), {
        ...held!,
        reportId,
        content,
        reauthenticated: true,
      })
    }
    for (const [state, change] of steps) {
      measured.push(...(await measure(screens, { orderId, state }, change)))
    }
    say(`${(n + 1) * steps.length} of ${STUDIES * steps.length} changes`)
  }
  return measured
}

async function measure(
  screens: readonly Screen[],
  change: Change,
  make: () => Promise<number>,
): Promise<Measured[]> {
  await Promise.all(screens.map((screen) => screen.watchFor(change)))
  // At no fixed distance from the last one, so that the pauses of bell and screens are met at any point.
  await pause(300 + Math.random() * 700)
  const at = await make()
  return Promise.all(
    screens.map(async (screen) => ({
      kind: screen.kind,
      state: change.state,
      ms: (await orLost(screen, change)) - at,
    })),
  )
}

async function orLost(screen: Screen, { state }: Change): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const lost = new Promise<never>((_resolve, reject) => {
    const error = new Error(`a ${screen.kind} did not show that a row was ${state}`)
    timer = setTimeout(() => reject(error), LOST_AFTER_MS)
  })
  return Promise.race([screen.shown(), lost]).finally(() => clearTimeout(timer))
}

async function committed(change: () => Promise<void>): Promise<number> {
  await change()
  return Date.now()
}

/** When the department began to list it: its own instant, turned back to the machine's clock. */
async function acceptedAt(
  department: Department,
  { orderId, accept }: { orderId: string; accept: () => Promise<void> },
): Promise<number> {
  await accept()
  const { sql } = department
  const opened = () => sql<{ opened_at: Date }[]>`
    select opened_at from work_items where order_id = ${orderId} and kind = 'read'`
  await until(
    async () => (await opened()).length > 0,
    LOST_AFTER_MS,
    () => 'an accepted study was not listed',
  )
  const { baseMachineMs, baseDepartmentMs, rate } = await department.clock()
  return baseMachineMs + ((await opened())[0]!.opened_at.getTime() - baseDepartmentMs) / rate
}

function report(
  measured: readonly Measured[],
  { screens, loadBefore }: { screens: readonly Screen[]; loadBefore: string },
): string {
  const loads = screens.flatMap((screen) =>
    screen.kind === 'program' ? (screen as ProgramScreen).loadsMs : [],
  )
  const line = (name: string, rows: readonly Measured[]) => {
    const ms = rows.map((row) => row.ms)
    return `| ${name} | ${ms.length} | ${[50, 95, 100].map((p) => Math.round(percentile(ms, p))).join(' | ')} |`
  }
  const of = (wanted: Partial<Measured>) =>
    measured.filter((row) =>
      Object.entries(wanted).every(([key, value]) => row[key as keyof Measured] === value),
    )
  return `Measured ${new Date().toISOString().slice(0, 10)} on ${machine()}; load average before the first change ${loadBefore}. The department, its database, Temporal, the browser and the ${PROGRAMS} programs all ran on this one machine.

| From the row's commit to the row on the screen, in ms | figures | p50 | p95 | max |
|---|---:|---:|---:|---:|
${line('All screens', measured)}
${line('Real pages', of({ kind: 'page' }))}
${line('Programs', of({ kind: 'program' }))}
${line('An accepted study is listed', of({ state: 'listed' }))}
${line('A reader takes a case', of({ state: 'taken' }))}
${line('A reader gives it back', of({ state: 'free' }))}
${line('A signed case goes', of({ state: 'gone' }))}

${STUDIES * 5} changes on ${screens.length} screens with ${LISTED} cases on the list. A screen asked for its list ${loads.length} times in all, and had it after ${Math.round(percentile(loads, 50))} ms (p95 ${Math.round(percentile(loads, 95))} ms).`
}

function say(words: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${words}\n`)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
