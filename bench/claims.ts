/**
 * A claim with two hundred screens open (RW-09): when each of them shows it, and how long the reader's browser waits for its
 * answer, beside the one SQL statement that it comes down to. `--write` writes its section of docs/benchmarks.md.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import postgres from 'postgres'
import { clusterUrl, endStrayPostmaster, prepareCluster, startCluster } from '#bin/postgres.ts'
import { DEMONSTRATION } from '#bin/testing/demonstration.ts'
import { freePort } from '#bin/testing/free-port.ts'
import { type Department, openDepartment } from '#db/department.ts'
import { migrate } from '#db/migrate.ts'
import { claim, release } from '#db/mutations/work-items.ts'
import { actAs } from '#db/order.fixture.ts'
import { readableStudy } from '#db/reading.fixture.ts'
import { seedDemo } from '#db/seed/demo.ts'
import { openBrowser, startApp } from '#e2e/app.fixture.ts'
import { writeSection } from './document.ts'
import { load, machine } from './machine.ts'
import { percentile } from './percentile.ts'
import { openProgram, type ProgramScreen, signIn } from './program-screen.ts'

const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    screens: { type: 'string', default: '200' },
    claims: { type: 'string', default: '30' },
    listed: { type: 'string', default: '150' },
  },
})
const SCREENS = Number(options.screens)
const CLAIMS = Number(options.claims)
const LISTED = Number(options.listed)
const LOOKERS = ['radiologist', 'resident', 'lead']
/** Nobody looks at the list as this one: they claim. */
const READER = 'radiologist2'
const LOST_AFTER_MS = 60_000

const home = mkdtempSync(join(tmpdir(), 'isocenter-claims-'))
chmodSync(home, 0o711)
const cluster = prepareCluster({ home, port: await freePort() })
await startCluster(cluster, join(home, 'postgres.log'))
const url = clusterUrl(cluster, 'claims')
await createDatabase()
const { accounts } = await seedDemo(url, DEMONSTRATION)
const department = openDepartment(url, { name: 'bench', max: 6 })
const app = await startApp(url)
const browser = await openBrowser()
try {
  say(`bringing in ${LISTED} studies`)
  const items: { itemId: string; orderId: string }[] = []
  for (let n = 0; n < LISTED; n += 1)
    items.push(await readableStudy(department, n % 10 === 0 ? 'urgent' : 'routine'))
  say(`opening ${SCREENS} screens`)
  const page = await readersPage()
  const screens = await opened()
  const loadBefore = load()
  const alone = await claimedBySql(items)
  const inProcess = await claimedInProcess(department, items)
  const { shown, waited } = await claimedAtTheBrowser(page, screens, items)
  const text = report({ alone, inProcess, shown, waited, loadBefore })
  process.stdout.write(`\n${text}\n`)
  if (options.write) writeSection('claims', text)
  for (const screen of screens) await screen.close()
} finally {
  await browser.close()
  await app.stop()
  await department.close()
  await endStrayPostmaster(cluster.dataDir)
  rmSync(home, { recursive: true, force: true })
}

async function createDatabase(): Promise<void> {
  const admin = postgres(clusterUrl(cluster, 'postgres'), { max: 1, onnotice: () => {} })
  await admin.unsafe('create database claims')
  await admin.end()
  await migrate(url)
}

function account(user: string) {
  const { password } = accounts.find((each) => each.user === user)!
  return { app: app.url, user, password }
}

async function opened(): Promise<ProgramScreen[]> {
  const screens: ProgramScreen[] = []
  // Signing in is dear on purpose, and no part of what is measured.
  const cookies = await Promise.all(LOOKERS.map((user) => signIn(account(user))))
  for (let n = 0; n < SCREENS; n += 1) {
    screens.push(await openProgram(account(LOOKERS[n % LOOKERS.length]!), cookies[n % LOOKERS.length]))
    if ((n + 1) % 50 === 0) say(`${n + 1} screens, load ${load()}`)
  }
  return screens
}

/** Signed in as the reader, on a page that asks for nothing by itself: its wire is the browser's. */
async function readersPage(): Promise<Page> {
  const page = await browser.newPage()
  const { user, password } = account(READER)
  await page.goto(`${app.url}/sign-in`)
  await page.fill('#userName', user)
  await page.fill('#password', password)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/reading/)
  await page.goto(`${app.url}/waiting`)
  return page
}

type Item = { itemId: string; orderId: string }

/** What a claim comes down to: one conditional update of one row, committed. */
async function claimedBySql(items: readonly Item[]): Promise<number[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const [reader] = await sql`select id from users where user_name = ${READER}`
  const took: number[] = []
  for (let n = -5; n < CLAIMS; n += 1) {
    const { itemId } = items[(n + 5) % items.length]!
    const before = performance.now()
    const rows = await sql`
      update work_items set state = 'claimed', holder = ${reader!.id}, fence = fence + 1, lease_until = now() + interval '2 minutes'
      where id = ${itemId} and blocked_by is null and state = 'open' returning fence`
    if (n >= 0) took.push(performance.now() - before)
    if (rows.length !== 1) throw new Error('a free case was not claimed')
    await sql`update work_items set state = 'open', holder = null, lease_until = null where id = ${itemId}`
  }
  await sql.end()
  return took
}

/** The same with everything that a claim is: right, eligibility, tenure, event on the hash chain, idempotency, bell. */
async function claimedInProcess(department: Department, items: readonly Item[]): Promise<number[]> {
  const took: number[] = []
  for (let n = -5; n < CLAIMS; n += 1) {
    const act = await actAs(department, READER)
    const before = performance.now()
    const held = await claim(department, act, { itemId: items[(n + 5) % items.length]!.itemId })
    if (n >= 0) took.push(performance.now() - before)
    await release(department, await actAs(department, READER), held)
  }
  return took
}

/** From the browser's question to its answer, and until each of the other screens shows whose the case is. */
async function claimedAtTheBrowser(
  page: Page,
  screens: readonly ProgramScreen[],
  items: readonly Item[],
): Promise<{ shown: number[]; waited: number[] }> {
  const shown: number[] = []
  const waited: number[] = []
  for (let n = -2; n < CLAIMS; n += 1) {
    const { itemId, orderId } = items[(n + 2) % items.length]!
    // At no fixed distance from the last one, and when nobody asks for anything any more.
    await pause(1_500 + Math.random() * 1_000)
    await Promise.all(screens.map((screen) => screen.watchFor({ orderId, state: 'taken' })))
    const at = Date.now()
    const seen = screens.map(async (screen) => (await orLost(screen)) - at)
    const { ms, status } = await page.evaluate(async (id) => {
      const before = performance.now()
      const body = new URLSearchParams({ intent: 'claim', itemId: id })
      const answer = await fetch('/reading.data', { method: 'POST', body })
      await answer.text()
      return { ms: performance.now() - before, status: answer.status }
    }, itemId)
    if (status >= 400) throw new Error(`a claim was answered ${status}`)
    const times = await Promise.all(seen)
    if (n >= 0) {
      waited.push(ms)
      shown.push(...times)
    }
    const [{ fence } = { fence: 0 }] = await department.sql<{ fence: number }[]>`
      select fence from work_items where id = ${itemId}`
    await release(department, await actAs(department, READER), { itemId, fence })
    if ((n + 1) % 10 === 0) say(`${n + 1} of ${CLAIMS} claims, load ${load()}`)
  }
  return { shown, waited }
}

async function orLost(screen: ProgramScreen): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const lost = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('a screen did not show that a case was taken')), LOST_AFTER_MS)
  })
  return Promise.race([screen.shown(), lost]).finally(() => clearTimeout(timer))
}

interface Measured {
  alone: number[]
  inProcess: number[]
  shown: number[]
  waited: number[]
  loadBefore: string
}

function report({ alone, inProcess, shown, waited, loadBefore }: Measured): string {
  const line = (name: string, ms: number[]) =>
    `| ${name} | ${ms.length} | ${[50, 95, 100].map((p) => percentile(ms, p).toFixed(1)).join(' | ')} | ${(percentile(ms, 50) / percentile(alone, 50)).toFixed(1)} | ${(percentile(ms, 95) / percentile(alone, 95)).toFixed(1)} |`
  return `Measured ${new Date().toISOString().slice(0, 10)} on ${machine()}; load average before the first claim ${loadBefore}, after the last ${load()}${Number(loadBefore) > 2 ? ' (other work ran on the machine meanwhile)' : ''}. The web process, its database, the browser and the ${SCREENS} screens all ran on this one machine, with ${LISTED} cases on the list.

| In ms | figures | p50 | p95 | max | p50 beside plain SQL | p95 beside plain SQL |
|---|---:|---:|---:|---:|---:|---:|
${line('A plain SQL claim: one statement, committed', alone)}
${line('The department’s claim, in process', inProcess)}
${line('Claim to answer at the browser', waited)}
${line(`Claim to the row on each of ${SCREENS} screens`, shown)}`
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function say(words: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${words}\n`)
}
