/**
 * Lists of a young and an old department in one run: 3,000 orders against a million, every list asked of both in turn, and
 * a hundred thousand rows paged while orders arrive (RW-10). `--write` writes its section of docs/benchmarks.md.
 */
import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import type { Sql } from '#db/client.ts'
import { openDepartment } from '#db/department.ts'
import { actAs } from '#db/order.fixture.ts'
import { searchOrders } from '#db/queries/order-search.ts'
import { COUNTED_UP_TO, countOrders, findOrders, type OrderFilter } from '#db/queries/orders.ts'
import { listViews } from '#db/queries/saved-views.ts'
import { worklist, worklistCounts } from '#db/queries/worklists.ts'
import { localDate } from '#domain/calendar.ts'
import type { ListFilter } from '#domain/list-filter.ts'
import type { Actor } from '#domain/permissions.ts'
import { WORK_ITEM_KINDS, type WorkItemKind } from '#domain/words.ts'
import { writeSection } from './document.ts'
import { KEPT_IN, keptDepartments } from './kept-departments.ts'
import { load, machine } from './machine.ts'
import { percentile } from './percentile.ts'
import { ORDERS_A_DAY, STILL_OPEN } from './young-and-old-orders.ts'

const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    orders: { type: 'string', default: '1000000' },
    requests: { type: 'string', default: '240' },
    fresh: { type: 'boolean', default: false },
  },
})
const SMALL = 3_000
const LARGE = Number(options.orders)
const REQUESTS = Number(options.requests)
const WARMING = 10
const EXPLAINED = 10
/**
 * What else a machine does comes in spells: a p95 of everything says how the worst spell was shared out, so it is taken of
 * each block of requests and the median of them told.
 */
const BLOCKS = 6
const MOST_RATIO = 1.2
/** Of a page of 200 rows: what a list reads for one of its rows times that, and room for what its chips pass over. */
const MOST_BUFFERS = 12_000
const PAGE = 200
/** So many rows are paged while orders arrive. */
const PAGED = Math.min(100_000, Math.floor(LARGE / 2))
const READING: WorkItemKind[] = ['read', 'sent-back', 'sign']

interface Place {
  orders: number
  now: Date
  sql: Sql
  reader: Actor
  lead: Actor
  /** Statements that were sent since it was emptied. */
  sent: { text: string; parameters: unknown[] }[]
}

/** Asks for one page as its screen does; `nth` says where, for what could be anywhere. Answers how many rows came. */
type Question = (place: Place, nth: number) => Promise<number>

const asking = ({ now, lead }: Place) => ({ userId: lead.id, now, today: localDate('Europe/Berlin', now) })
const orders =
  (filter: Partial<OrderFilter>): Question =>
  async (place) =>
    (await findOrders(place.sql, place.lead, { asking: asking(place), limit: PAGE + 1, ...filter })).length
const narrowed = (chips: ListFilter) => orders({ chips })
const reading =
  (filter: ListFilter): Question =>
  async ({ sql, reader, now }) =>
    (
      await worklist(sql, reader, READING, {
        now,
        filter,
        counted: { all: {}, stat: { priority: ['stat'] } },
      })
    ).rows.length

/** The family name of one patient, as young-and-old-orders.ts makes it of their number. */
const ownName = (nth: number) =>
  createHash('md5')
    .update(String(nth * 3 + 1))
    .digest('hex')
    .slice(0, 8)
    .replace(/./g, (digit) => 'ABCDEFGHIKLMNOPR'['0123456789abcdef'.indexOf(digit)]!)
const pad = (n: number) => String(n).padStart(8, '0')
const searched =
  (text: (place: Place, nth: number) => string): Question =>
  async (place, nth) =>
    (await searchOrders(place.sql, place.lead, text(place, nth))).length

const LISTS: Record<string, Question> = {
  'reading list': reading({}),
  'reading list, CT of two areas': reading({ modality: ['CT'], area: ['neuro', 'chest'] }),
  'late and at risk': async ({ sql, lead, now }) => {
    const dueBefore = new Date(now.getTime() + 3_600_000)
    return (await worklist(sql, lead, WORK_ITEM_KINDS, { now, dueBefore, order: 'due' })).rows.length
  },
  '/api/worklists/quality': async ({ sql, lead, now }) =>
    (await worklist(sql, lead, ['quality'], { now })).rows.length,
  'numbers in the bar': async ({ sql, lead, now }) =>
    Object.values(await worklistCounts(sql, lead, WORK_ITEM_KINDS, now)).filter(({ count }) => count > 0)
      .length,
  'views of a list': async ({ sql, reader }) => Object.keys(await listViews(sql, reader, 'reading')).length,
  'orders, newest': orders({}),
  'orders, anywhere': async (place, nth) => {
    const ago = ((nth * 7_919) % (place.orders - 2 * PAGE)) / ORDERS_A_DAY
    const after = { receivedAt: new Date(place.now.getTime() - ago * 86_400_000), id: 'Z' }
    return orders({ after })(place, nth)
  },
  'orders still open': orders({ open: true }),
  'orders with late work': async (place, nth) => orders({ open: true, lateAt: place.now })(place, nth),
  'orders of a site': narrowed({ site: ['WEST'] }),
  'orders of a modality of 1 in 3': narrowed({ modality: ['CT'] }),
  'orders of a modality of 1 in 100': async (place, nth) =>
    orders({ chips: { modality: ['XA'] }, limit: 25 })(place, nth),
  'orders of an area': narrowed({ area: ['neuro'] }),
  'orders of a class': narrowed({ class: ['emergency'] }),
  'orders of two priorities': narrowed({ priority: ['stat', 'urgent'] }),
  'orders of an age': narrowed({ age: ['senior'] }),
  'orders being read': narrowed({ phase: ['reading'] }),
  'orders of a phase that nearly all have': narrowed({ phase: ['closed'] }),
  'CT of the emergency department at one site': narrowed({
    modality: ['CT'],
    class: ['emergency'],
    site: ['MAIN'],
  }),
  'orders of two modalities': narrowed({ modality: ['XA', 'MG'] }),
  'search: a name of 1 in 10': searched(() => 'anna'),
  'search: a name of 1 in 100': searched(() => 'smith'),
  'search: both of them': searched(() => 'Smith, Anna'),
  'search: a name of two letters': searched(() => 'li'),
  'search: a name in another script': searched(() => '山田'),
  'search: a name that one has': searched((_, nth) => ownName(nth)),
  'search: a name that nobody has': searched(() => 'zzyzx'),
  'search: an accession': searched(({ orders }, nth) => `A${pad((nth * 7_919) % orders)}`),
  'search: a patient number': searched(({ orders }, nth) => `M${pad((nth * 7_919) % Math.ceil(orders / 3))}`),
  'search: the beginning of many': searched(() => 'M0'),
}

const begun = Date.now()
const kept = await keptDepartments({ fresh: options.fresh })
try {
  const places = [await placeOf(SMALL), await placeOf(LARGE)] as const
  const filledMinutes = minutesSince(begun)
  const loadBefore = load()
  const measured = await compared(places)
  const counted = await countedIn(places)
  const paged = await pagedWhileOrdersArrive(places[1])
  const [small, large] = [SMALL, LARGE].map((n) => n.toLocaleString('en'))
  const text = [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${machine()}; load average before the first request ${loadBefore}, after the last ${load()}${
      Number(loadBefore) > 2 ? ' (other work ran on the machine meanwhile)' : ''
    }. ${REQUESTS} requests of each kind to either department, request by request in turn, in one process beside one Postgres. The whole run took ${minutesSince(begun)} minutes, ${filledMinutes} of them to fill the departments or find them filled (${await sizeOf(places[1])} of database for the large one).`,
    `All lists together: p95 ${ratioOf(measured)}.`,
    `A p95 is the median of those of ${BLOCKS} blocks of ${REQUESTS / BLOCKS} requests, at either size of the same ones; p50 is of all.`,
    verdictOn(measured),
    table(measured, { small: small!, large: large! }),
    'Buffers are pages of 8 kB that Postgres touched for all statements of one page of the list, by EXPLAIN (ANALYZE, BUFFERS): the most of ten.',
    counted,
    paged,
  ].join('\n\n')
  process.stdout.write(`\n${text}\n`)
  if (options.write) writeSection('lists', text)
  if (measured.some(({ buffers }) => Math.max(...buffers) > MOST_BUFFERS)) process.exitCode = 1
  for (const { sql } of places) await sql.end()
} finally {
  await kept.stop()
}
say(`the filled departments stay in ${KEPT_IN}`)

async function placeOf(orders: number): Promise<Place> {
  const { url, now } = await kept.department(orders, say)
  const department = openDepartment(url, { name: 'bench', max: 2 })
  const reader = (await actAs(department, 'radiologist')).actor
  const lead = (await actAs(department, 'lead')).actor
  await department.close()
  const sent: Place['sent'] = []
  const debug = (_: number, text: string, parameters: unknown[]) => void sent.push({ text, parameters })
  // As db/client.ts opens it, and with its statements overheard.
  const types = { bigint: { to: 20, from: [20], serialize: String, parse: Number } }
  const sql = postgres(url, { max: 2, onnotice: () => {}, types, debug }) as unknown as Sql
  return { orders, now, sql, reader, lead, sent }
}

interface Compared {
  name: string
  took: [number[], number[]]
  rows: [number, number]
  buffers: [number, number]
}

/** Every list, asked of both departments, who goes first in turn: what else the machine does meets both. */
async function compared(places: readonly [Place, Place]): Promise<Compared[]> {
  const all = Object.entries(LISTS).map(([name, question]) => ({
    ...{ name, question },
    took: [[], []] as [number[], number[]],
    rows: [0, 0] as [number, number],
  }))
  for (let n = -WARMING; n < REQUESTS; n += 1) {
    for (const { question, took, rows } of all) {
      for (const at of n % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const before = performance.now()
        rows[at] = await question(places[at], n + WARMING)
        if (n >= 0) took[at].push(performance.now() - before)
      }
    }
    if (n % 50 === 0) say(`${n} of ${REQUESTS} requests of each kind, load ${load()}`)
  }
  const done: Compared[] = []
  for (const { name, question, took, rows } of all)
    done.push({
      ...{ name, took, rows },
      buffers: [await buffersOf(places[0], question), await buffersOf(places[1], question)],
    })
  return done
}

/** The most that one of some pages touches, with the statements that the list itself would send. */
async function buffersOf(place: Place, question: Question): Promise<number> {
  let most = 0
  for (let nth = 0; nth < EXPLAINED; nth += 1) {
    place.sent.length = 0
    await question(place, nth)
    let touched = 0
    for (const { text, parameters } of place.sent.filter((one) => /^\s*(select|with)\b/i.test(one.text))) {
      const [row] = await place.sql.unsafe(
        `explain (analyze, buffers, format json) ${text}`,
        parameters as never[],
      )
      const { Plan: plan } = row!['QUERY PLAN'][0]
      touched += plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
    }
    most = Math.max(most, touched)
  }
  return most
}

async function countedIn(places: readonly [Place, Place]): Promise<string> {
  const took: [number[], number[]] = [[], []]
  const said = [0, 0]
  for (let n = -3; n < 30; n += 1)
    for (const at of [0, 1] as const) {
      const before = performance.now()
      said[at] = await countOrders(places[at].sql, places[at].lead, {})
      if (n >= 0) took[at].push(performance.now() - before)
    }
  const p95 = took.map((figures) => percentile(figures, 95).toFixed(1))
  return `How many orders a list has is counted exactly up to ${COUNTED_UP_TO.toLocaleString('en')} and no further: ${said[0]!.toLocaleString('en')} of them in ${p95[0]} ms, and the first ${said[1]!.toLocaleString('en')} of ${LARGE.toLocaleString('en')} in ${p95[1]} ms (p95).`
}

/** Pages through the list of all orders to the end of what it showed at first; an order arrives after each page. */
async function pagedWhileOrdersArrive({ sql, lead, now }: Place): Promise<string> {
  const standing = await sql<{ id: string }[]>`
    select id from orders order by received_at desc, id desc limit ${PAGED}`
  const took: number[] = []
  const ids: string[] = []
  let after: { receivedAt: Date; id: string } | undefined
  let arrived = 0
  while (ids.length < PAGED) {
    const before = performance.now()
    const found = await findOrders(sql, lead, { limit: PAGE, ...(after && { after }) })
    took.push(performance.now() - before)
    const last = found.at(-1)
    if (!last) break
    ids.push(...found.map(({ id }) => id))
    after = { receivedAt: last.receivedAt, id: last.id }
    arrived += await arrive(sql, now, arrived)
  }
  // The department is kept for the next run, as it was filled.
  await sql`delete from orders where id like 'Z%'`
  const wanted = standing.map(({ id }) => id)
  const isExact = ids.length === wanted.length && ids.every((id, nth) => id === wanted[nth])
  return `${ids.length.toLocaleString('en')} orders paged by ${PAGE} while ${arrived} arrived: ${
    isExact ? 'each once, in order, none left out and none of those that came since' : 'NOT EXACT'
  }; a page took ${percentile(took, 50).toFixed(1)} ms (p95 ${percentile(took, 95).toFixed(1)} ms, most ${percentile(took, 100).toFixed(1)} ms).`
}

async function arrive(sql: Sql, now: Date, nth: number): Promise<number> {
  const id = `Z${String(nth).padStart(25, '0')}`
  await sql`
    insert into orders select (jsonb_populate_record(o, ${sql.json({
      ...{ id, filler_number: id, placer_number: id, accession: id.slice(-12) },
      received_at: new Date(now.getTime() + nth),
    } as never)})).* from orders o where id = ${`O${'0'.repeat(25)}`}`
  return 1
}

/** At either size; of the same requests, block by block. */
function p95Of({ took }: Compared): [number, number] {
  const size = Math.ceil(REQUESTS / BLOCKS)
  const ofBlock = (figures: number[], block: number) =>
    percentile(figures.slice(block * size, (block + 1) * size), 95)
  const blocks = Array.from({ length: Math.ceil(REQUESTS / size) }, (_, block) => block)
  return [0, 1].map((at) =>
    percentile(
      blocks.map((block) => ofBlock(took[at]!, block)),
      50,
    ),
  ) as [number, number]
}

function ratioAt(row: Compared): number {
  const [small, large] = p95Of(row)
  return large / small
}

function verdictOn(rows: readonly Compared[]): string {
  const over = rows.filter((row) => ratioAt(row) > MOST_RATIO)
  const most = Math.max(...rows.map(({ buffers }) => buffers[1]))
  return [
    over.length === 0
      ? `Every one of the ${rows.length} lists is within ${MOST_RATIO} times its p95 at the small size.`
      : `${rows.length - over.length} of ${rows.length} lists are within ${MOST_RATIO} times their p95 at the small size; over it: ${over
          .map((row) => `${row.name} (${ratioAt(row).toFixed(2)})`)
          .join(', ')}.`,
    `No page of any list reads more than ${most.toLocaleString('en')} buffers at the large size (${
      most > MOST_BUFFERS ? 'OVER' : 'within'
    } the bound of ${MOST_BUFFERS.toLocaleString('en')}).`,
  ].join(' ')
}

function table(rows: readonly Compared[], { small, large }: { small: string; large: string }): string {
  const lines = rows.map((row) => {
    const { name, took, rows: found, buffers } = row
    const [a, b] = p95Of(row)
    const [p, q] = took.map((figures) => percentile(figures, 50)) as [number, number]
    const verdict = b / a > MOST_RATIO ? 'over' : 'within'
    return `| ${name} | ${found[0]} | ${found[1]} | ${p.toFixed(1)} | ${q.toFixed(1)} | ${a.toFixed(1)} | ${b.toFixed(1)} | ${(b / a).toFixed(2)} | ${verdict} | ${buffers[0]} | ${buffers[1]} |`
  })
  return [
    `| List | Rows at ${small} | Rows at ${large} | p50 in ms at ${small} | p50 at ${large} | p95 at ${small} | p95 at ${large} | Ratio of p95 | ${MOST_RATIO} | Buffers at ${small} | Buffers at ${large} |`,
    '|---|---:|---:|---:|---:|---:|---:|---:|---|---:|---:|',
    ...lines,
  ].join('\n')
}

function ratioOf(rows: readonly Compared[]): string {
  const [small, large] = ([0, 1] as const).map((at) =>
    percentile(
      rows.flatMap(({ took }) => took[at]),
      95,
    ),
  ) as [number, number]
  return `${small.toFixed(1)} ms at ${SMALL.toLocaleString('en')} orders (${STILL_OPEN.scheduled + STILL_OPEN.checked + STILL_OPEN.read} of them still being worked on) and ${large.toFixed(1)} ms at ${LARGE.toLocaleString('en')} (as many), ratio ${(large / small).toFixed(2)}`
}

async function sizeOf({ sql }: Place): Promise<string> {
  const [row] = await sql<
    { size: string }[]
  >`select pg_size_pretty(pg_database_size(current_database())) as size`
  return row!.size
}

function minutesSince(then: number): number {
  return Math.round((Date.now() - then) / 60_000)
}

function say(words: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${words}\n`)
}
