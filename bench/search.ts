/** Searching a small and a large archive in one run: 3,000 studies against a million, request by request in turn. `--write` writes docs/benchmarks.md. */
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { type RunningDepartment, startDepartment } from '#e2e/department.ts'
import { writeSection } from './document.ts'
import { load, machine } from './machine.ts'
import { percentile } from './percentile.ts'

const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    studies: { type: 'string', default: '1000000' },
    requests: { type: 'string', default: '200' },
  },
})
const SMALL = 3_000
const LARGE = Number(options.studies)
const REQUESTS = Number(options.requests)
const BATCH = 50_000

interface Archive {
  department: RunningDepartment
  sql: postgres.Sql
  studies: number
}

/** A question about the n-th study of an archive of `studies`, as a query string. */
type Question = (n: number, studies: number) => string

// Ten thousand family names; every day of ten years has its studies.
const family = (n: number) => `FAMILY${String(n % 10_000).padStart(5, '0')}`
const uid = (n: number) => `1.2.826.0.1.3680043.10.1605.1.${n}`

const QUESTIONS: Record<string, Question> = {
  'by Study Instance UID': (n) => `StudyInstanceUID=${uid(n)}`,
  'by accession': (n) => `AccessionNumber=BENCH${n}`,
  'by patient id': (n) => `PatientID=P${Math.floor(n / 3)}`,
  'by name and beginning of given name': (n) => `PatientName=${family(Math.floor(n / 3))}^G*&limit=25`,
  'by day and modality, first 25': (n) => `StudyDate=${dayOf(n)}&ModalitiesInStudy=CT&limit=25`,
  'newest 25 of all': () => 'limit=25',
  'newest 25 MR of a month': (n) => `StudyDate=${dayOf(n)}-${dayOf(n - 30)}&ModalitiesInStudy=MR&limit=25`,
}

const DAYS = 3_650
const FIRST_DAY = Date.UTC(2016, 0, 1)

function dayOf(n: number): string {
  const day = ((n % DAYS) + DAYS) % DAYS
  return new Date(FIRST_DAY + day * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')
}

const archives = [await archiveOf(SMALL), await archiveOf(LARGE)] as const
try {
  const loadBefore = load()
  const lines: string[] = []
  for (const [name, question] of Object.entries(QUESTIONS)) {
    const [small, large] = await inTurn(question)
    const blocks = await Promise.all(archives.map((archive) => blocksRead(archive, question)))
    lines.push(
      `| ${name} | ${small!.toFixed(1)} | ${large!.toFixed(1)} | ${(large! / small!).toFixed(2)} | ${blocks[0]} | ${blocks[1]} |`,
    )
    say(lines.at(-1)!)
  }
  const pages = await deepPages(archives[1])
  const text = `Measured ${new Date().toISOString().slice(0, 10)} on ${machine()}; load average before ${loadBefore}; ${REQUESTS} requests of each kind to either archive in turn, over HTTP, authorised and audited.

| QIDO-RS search for studies | p95 in ms at ${SMALL.toLocaleString('en')} | p95 in ms at ${LARGE.toLocaleString('en')} | Ratio | Blocks at ${SMALL.toLocaleString('en')} | Blocks at ${LARGE.toLocaleString('en')} |
|---|---:|---:|---:|---:|---:|
${lines.join('\n')}

Blocks are pages of 8 kB that Postgres touched for one such request, all its statements together. Pages of 25 of everything, at ${LARGE.toLocaleString('en')} studies: ${pages}.`
  process.stdout.write(`\n${text}\n`)
  if (options.write) writeSection('search', text)
} finally {
  for (const { department, sql } of archives) {
    await sql.end()
    await department.stop()
  }
}

async function archiveOf(studies: number): Promise<Archive> {
  const department = await startDepartment()
  const sql = postgres(department.endpoints().postgres, { max: 1, onnotice: () => undefined })
  const [site] = await sql<{ id: string }[]>`select id from sites order by id limit 1`
  for (let from = 0; from < studies; from += BATCH) {
    await fill(sql, site!.id, { from, to: Math.min(from + BATCH, studies) })
    if (from % (BATCH * 4) === 0) say(`${Math.min(from + BATCH, studies)} of ${studies} studies`)
  }
  await sql`analyze`
  return { department, sql, studies }
}

/** Rows as the index would have written them for studies of one series and one instance. */
async function fill(sql: postgres.Sql, siteId: string, { from, to }: { from: number; to: number }) {
  await sql`
    insert into studies (id, study_uid, site_id, dicom_patient_id, dicom_patient_name, patient_name_key, accession,
      study_date, study_time, study_id, description, modalities, attributes, series_count, instance_count, stored_count, bytes,
      first_instance_at, last_instance_at)
    select 'B' || lpad(n::text, 25, '0'), '1.2.826.0.1.3680043.10.1605.1.' || n, ${siteId}, 'P' || n / 3,
      'FAMILY' || lpad((n / 3 % 10000)::text, 5, '0') || '^GIVEN' || n / 3, 'FAMILY' || lpad((n / 3 % 10000)::text, 5, '0') || '^GIVEN' || n / 3,
      'BENCH' || n, to_char(date '2016-01-01' + (n % ${DAYS}::int), 'YYYYMMDD'), lpad((n % 86400 / 3600)::text, 2, '0') || '0000',
      n::text, 'Bench', array[(array['CT', 'MR', 'DX', 'US'])[1 + n / ${DAYS}::int % 4]],
      jsonb_build_object('00100020', jsonb_build_object('vr', 'LO', 'Value', jsonb_build_array('P' || n / 3))),
      1, 1, 1, 500000, now(), now()
    from generate_series(${from}::int, ${to - 1}::int) n`
  await sql`
    insert into series (id, study_id, series_uid, modality, series_number, instance_count)
    select 'B' || lpad(n::text, 25, '0'), 'B' || lpad(n::text, 25, '0'), '1.2.826.0.1.3680043.10.1605.2.' || n,
      (array['CT', 'MR', 'DX', 'US'])[1 + n / ${DAYS}::int % 4], 1, 1
    from generate_series(${from}::int, ${to - 1}::int) n`
  await sql`
    insert into instances (id, sop_instance_uid, sop_class_uid, series_id, study_id, instance_number, transfer_syntax_uid,
      blob, bytes, dataset_offset, sha256, stored_at, verified_at)
    select 'B' || lpad(n::text, 25, '0'), '1.2.826.0.1.3680043.10.1605.3.' || n, '1.2.840.10008.5.1.4.1.1.2',
      'B' || lpad(n::text, 25, '0'), 'B' || lpad(n::text, 25, '0'), 1, '1.2.840.10008.1.2.1', 'bench/' || n, 500000, 300, '', now(), now()
    from generate_series(${from}::int, ${to - 1}::int) n`
}

/** p95 of either archive, in ms. */
async function inTurn(question: Question): Promise<number[]> {
  const took = archives.map(() => [] as number[])
  for (let n = -20; n < REQUESTS; n += 1) {
    for (const [at, archive] of archives.entries()) {
      const about = (Math.abs(n) * 7919) % archive.studies
      const begun = performance.now()
      await ask(archive, question(about, archive.studies))
      // The first twenty warm both.
      if (n >= 0) took[at]!.push(performance.now() - begun)
    }
  }
  return took.map((figures) => percentile(figures, 95))
}

async function ask({ department }: Archive, query: string): Promise<{ found: number; next: string | null }> {
  const { dicomweb, tokens } = department.endpoints()
  const url = query.startsWith('http') ? query : `${dicomweb}/studies?${query}`
  const answer = await fetch(url, {
    headers: { Authorization: `Bearer ${tokens.integration}`, Accept: 'application/dicom+json' },
  })
  if (answer.status === 204) return { found: 0, next: null }
  if (answer.status !== 200) throw new Error(`a search was answered ${answer.status}`)
  const next = /<([^>]+)>;\s*rel="?next"?/.exec(answer.headers.get('link') ?? '')?.[1] ?? null
  const found = ((await answer.json()) as unknown[]).length
  if (found === 0) throw new Error('a search that must find something found nothing')
  return { found, next }
}

/** What one request touches: the cluster's counters before and after, while nobody else asks. */
async function blocksRead(archive: Archive, question: Question): Promise<number> {
  const counted = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_500)) // counters reach the view with a delay
    const [row] = await archive.sql<{ n: string }[]>`
      select sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0)
        + coalesce(toast_blks_hit, 0) + coalesce(toast_blks_read, 0)) as n
      from pg_statio_user_tables where relname in ('studies', 'series', 'instances')`
    return Number(row!.n)
  }
  const MANY = 10
  const before = await counted()
  for (let n = 0; n < MANY; n += 1)
    await ask(archive, question((n * 104_729) % archive.studies, archive.studies))
  return Math.round(((await counted()) - before) / MANY)
}

async function deepPages(archive: Archive): Promise<string> {
  const words: string[] = []
  for (const [name, query] of [
    ['first', 'limit=25'],
    ['at 1,000', 'limit=25&offset=1000'],
    ['at 100,000', 'limit=25&offset=100000'],
  ] as const) {
    const took: number[] = []
    for (let n = 0; n < 40; n += 1) {
      const begun = performance.now()
      await ask(archive, query)
      took.push(performance.now() - begun)
    }
    words.push(`${name} ${percentile(took, 95).toFixed(1)} ms`)
  }
  const following = await followed(archive, 40)
  if (following !== null) words.push(`each next one by its link ${following.toFixed(1)} ms`)
  return `${words.join(', ')} (p95)`
}

/** p95 of the pages behind one at 100,000, each asked for by the link that came with the one before; null without links. */
async function followed(archive: Archive, pages: number): Promise<number | null> {
  const took: number[] = []
  let { next } = await ask(archive, 'limit=25&offset=100000')
  for (let n = 0; n < pages && next; n += 1) {
    const begun = performance.now()
    next = (await ask(archive, next)).next
    took.push(performance.now() - begun)
  }
  return took.length > 0 ? percentile(took, 95) : null
}

function say(words: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${words}\n`)
}
