/**
 * Searching a young and an old archive in one run: 3,000 studies against a million, every kind of search asked of both in turn.
 * `--write` writes docs/benchmarks.md.
 */
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { Dataset } from '#archive/dimse/dataset.ts'
import { hexOf, tagOf } from '#archive/dimse/dictionary.ts'
import { find } from '#archive/scu/find.ts'
import type { Sql } from '#db/client.ts'
import { search } from '#db/queries/dicomweb.ts'
import type { Level } from '#db/queries/matching-keys.ts'
import { type RunningDepartment, startDepartment } from '#e2e/department.ts'
import { writeSection } from './document.ts'
import { load, machine } from './machine.ts'
import { percentile } from './percentile.ts'
import { fill, hasOwnName, type Known, nthStudy } from './young-and-old.ts'

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
/** So many requests of each kind warm both archives. */
const WARMING = 10
/** Searches of each kind that are explained. */
const EXPLAINED = 20
/** What QIDO-RS answers where no limit is asked for. */
const MOST_RESULTS = 1_000

interface Archive {
  department: RunningDepartment
  studies: number
  /** Runs the searches by itself, to have them explained. */
  sql: Sql
  last: { text: string; parameters: unknown[] }
}

/** A search about one study: a path and query of QIDO-RS, or the keys of a C-FIND at STUDY level. */
type Question = (study: Known) => string | Record<string, string | null>

const KEYED: Record<string, Question> = {
  'Study Instance UID': ({ studyUid }) => `studies?StudyInstanceUID=${studyUid}`,
  'Accession Number': ({ accession }) => `studies?AccessionNumber=${accession}`,
  'Patient ID': ({ patientId }) => `studies?PatientID=${patientId}`,
  'Study ID': ({ accession }) => `studies?StudyID=${Number(accession.slice(1))}`,
  'Patient ID, C-FIND': ({ patientId }) => ({ PatientID: patientId }),
  'series of a study': ({ studyUid }) => `studies/${studyUid}/series`,
  'Series Instance UID': ({ seriesUid }) => `series?SeriesInstanceUID=${seriesUid}`,
  'SOP Instance UID': ({ sopInstanceUid }) => `instances?SOPInstanceUID=${sopInstanceUid}`,
}

const FILTERED: Record<string, Question> = {
  'rare name': ({ name }) => `studies?PatientName=${name}`,
  'beginning of a rare name': ({ name }) => `studies?PatientName=${name.slice(0, 7)}*`,
  'part of a rare name': ({ name }) => `studies?PatientName=*${name.slice(1, 8)}*`,
  'rare name, fuzzy': ({ name }) => `studies?PatientName=${name.slice(0, 8)}&fuzzymatching=true`,
  'rare name, C-FIND': ({ name }) => ({ PatientName: `${name.slice(0, 8)}*` }),
  'name of 1 in 100, newest 25': () => 'studies?PatientName=smith*&limit=25',
  'the same, fuzzy': () => 'studies?PatientName=smith&fuzzymatching=true&limit=25',
  'the same, CT of the last ten days': () =>
    'studies?PatientName=smith*&ModalitiesInStudy=CT&StudyDate=20251222-',
  'beginning of a Patient ID, newest 25': ({ patientId }) =>
    `studies?PatientID=${patientId.slice(0, 6)}*&limit=25`,
  'beginning of an accession, newest 25': ({ accession }) =>
    `studies?AccessionNumber=${accession.slice(0, 7)}*&limit=25`,
  'birth date, 3': ({ birthDate }) => `studies?PatientBirthDate=${birthDate}&limit=3`,
  'description of 1 in 33, newest 25': () => 'studies?StudyDescription=ct%20thorax*&limit=25',
  'referring physician of 1 in 400, newest 5': () => 'studies?ReferringPhysicianName=doc33^r&limit=5',
  'newest 25': () => 'studies?limit=25',
  'day, newest 25': ({ day }) => `studies?StudyDate=${day}&limit=25`,
  'day and modality, newest 25': ({ day }) => `studies?StudyDate=${day}&ModalitiesInStudy=CT&limit=25`,
  'day and modality, C-FIND of all': ({ day }) => ({ StudyDate: day, ModalitiesInStudy: 'US' }),
  'week and modality, newest 25': ({ weekBefore, day }) =>
    `studies?StudyDate=${weekBefore}-${day}&ModalitiesInStudy=MR&limit=25`,
  'modality of 1 in 3, newest 25': () => 'studies?ModalitiesInStudy=CT&limit=25',
  'modality of 1 in 100, newest 25': () => 'studies?ModalitiesInStudy=XA&limit=25',
  'modality that is not there': () => 'studies?ModalitiesInStudy=PT',
  'series of a modality of 1 in 100, newest 25': () => 'series?Modality=XA&limit=25',
}
const NONE_FOUND = new Set(['modality that is not there', 'the same, CT of the last ten days'])

const begun = Date.now()
const archives = [await archiveOf(SMALL), await archiveOf(LARGE)] as const
try {
  const filledMinutes = minutesSince(begun)
  const loadBefore = load()
  const keyed = await compared(KEYED)
  const filtered = await compared(FILTERED)
  const pages = await deepPages(archives[1])
  const text = [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${machine()}; load average before the first request ${loadBefore}, after the last ${load()}${
      Number(loadBefore) > 2 ? ' (other work ran on the machine meanwhile)' : ''
    }. ${REQUESTS} requests of each kind to either archive, all kinds and both archives in turn, over HTTP or an association of their own, authorised and audited. The whole run took ${minutesSince(begun)} minutes, ${filledMinutes} of them to fill the archives (${await sizeOf(archives[1])} of database for the large one).`,
    `Keyed searches together: p95 ${ratioOf(keyed)}. Filtered searches together: p95 ${ratioOf(filtered)}.`,
    table([...keyed, ...filtered]),
    `Buffers are pages of 8 kB that Postgres touched for the whole search, by EXPLAIN (ANALYZE, BUFFERS): the most of ${EXPLAINED} searches of each kind. About four of them, a level of an index more at the larger size, fetch one row of an answer.`,
    pages,
  ].join('\n\n')
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
  const { postgres: url } = department.endpoints()
  const filling = postgres(url, { max: 1, onnotice: () => undefined })
  const [site] = await filling<{ id: string }[]>`select id from sites order by id limit 1`
  await fill(filling, { siteId: site!.id, studies, say })
  await filling.end()
  const last = { text: '', parameters: [] as unknown[] }
  const debug = (_: number, text: string, parameters: unknown[]) => Object.assign(last, { text, parameters })
  return { department, studies, sql: postgres(url, { max: 1, debug }) as unknown as Sql, last }
}

interface Compared {
  name: string
  /** In ms, of the small and of the large archive. */
  took: [number[], number[]]
  buffers: [number, number]
}

/** Every kind of search, asked of both archives, who goes first in turn: what else the machine does meets all of them. */
async function compared(questions: Record<string, Question>): Promise<Compared[]> {
  const all = Object.entries(questions).map(([name, question]) => ({
    name,
    question,
    took: [[], []] as [number[], number[]],
  }))
  for (let n = -WARMING; n < REQUESTS; n += 1) {
    for (const { name, question, took } of all) {
      for (const at of n % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const archive = archives[at]
        const asked = question(someStudy(archive, n + WARMING))
        const before = performance.now()
        const found = await ask(archive, asked)
        const ms = performance.now() - before
        if (found === 0 && !NONE_FOUND.has(name))
          throw new Error(`a search that must find something found nothing: ${name}`)
        if (n >= 0) took[at].push(ms)
      }
    }
    if (n % 50 === 0) say(`${n} of ${REQUESTS} requests of each kind, load ${load()}`)
  }
  const done: Compared[] = []
  for (const { name, question, took } of all) {
    const [small, large] = archives
    done.push({ name, took, buffers: [await buffersOf(small, question), await buffersOf(large, question)] })
  }
  return done
}

/** Spread over the whole archive, and of a patient whose name is their own. */
function someStudy({ studies }: Archive, nth: number): Known {
  let n = (nth * 7919) % studies
  while (!hasOwnName(n, studies)) n = (n + 1) % studies
  return nthStudy(n, studies)
}

async function ask({ department }: Archive, question: ReturnType<Question>): Promise<number> {
  const { dicomweb, dicom, devices, tokens } = department.endpoints()
  if (typeof question === 'object') {
    const peer = {
      host: dicom.host,
      port: dicom.port,
      calledAe: dicom.aeTitle,
      callingAe: devices[0]!.aeTitle,
    }
    const identifier = { QueryRetrieveLevel: 'STUDY', StudyInstanceUID: null, ...question }
    return (await find(peer, 'study', Dataset.of(identifier))).length
  }
  return (await page(`${dicomweb}/${question}`, tokens.integration)).found
}

async function page(url: string, token: string): Promise<{ found: number; next: string | null }> {
  const headers = { Authorization: `Bearer ${token}`, Accept: 'application/dicom+json' }
  const answer = await fetch(url, { headers })
  if (answer.status === 204) return { found: 0, next: null }
  if (answer.status !== 200) throw new Error(`a search was answered ${answer.status}`)
  const next = /<([^>]+)>;\s*rel="?next"?/.exec(answer.headers.get('link') ?? '')?.[1] ?? null
  return { found: ((await answer.json()) as unknown[]).length, next }
}

/** The most that one of some searches of a kind touches, with the statement that the archive itself would send. */
async function buffersOf(archive: Archive, question: Question): Promise<number> {
  let most = 0
  for (let nth = 0; nth < EXPLAINED; nth += 1) {
    await search(archive.sql, asSearch(question(someStudy(archive, nth))))
    const { text, parameters } = archive.last
    const [row] = await archive.sql.unsafe(
      `explain (analyze, buffers, format json) ${text}`,
      parameters as never[],
    )
    const { Plan: plan } = row!['QUERY PLAN'][0]
    most = Math.max(most, plan['Shared Hit Blocks'] + plan['Shared Read Blocks'])
  }
  return most
}

type Asked = Parameters<typeof search>[1]

function asSearch(question: ReturnType<Question>): Asked {
  const [path = '', query = ''] = typeof question === 'string' ? question.split('?') : ['studies']
  const [, studyUid] = path.split('/')
  const asked = new URLSearchParams(query)
  const keys = typeof question === 'string' ? [...asked] : Object.entries(question)
  if (studyUid) keys.push(['StudyInstanceUID', studyUid])
  return {
    level: levelOf(path),
    scope: { studies: null, sites: null },
    // Controls (limit) are in lower case, attributes are not.
    matches: keys
      .filter(([name]) => /^[A-Z]/.test(name))
      .map(([name, value]) => ({ tag: hexOf(tagOf(name)), value: value ?? '' })),
    limit: Number(asked.get('limit') ?? MOST_RESULTS) + 1,
    offset: 0,
    fuzzy: asked.has('fuzzymatching'),
  }
}

function levelOf(path: string): Level {
  if (path.endsWith('studies')) return 'study'
  return path.endsWith('series') ? 'series' : 'instance'
}

function table(rows: readonly Compared[]): string {
  const [small, large] = [SMALL, LARGE].map((studies) => studies.toLocaleString('en'))
  const lines = rows.map(({ name, took, buffers }) => {
    const [a, b] = took.map((figures) => percentile(figures, 95)) as [number, number]
    const [p, q] = took.map((figures) => percentile(figures, 50)) as [number, number]
    return `| ${name} | ${p.toFixed(1)} | ${q.toFixed(1)} | ${a.toFixed(1)} | ${b.toFixed(1)} | ${(b / a).toFixed(2)} | ${buffers[0]} | ${buffers[1]} |`
  })
  return [
    `| Search | p50 in ms at ${small} | p50 at ${large} | p95 at ${small} | p95 at ${large} | Ratio of p95 | Buffers at ${small} | Buffers at ${large} |`,
    '|---|---:|---:|---:|---:|---:|---:|---:|',
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
  return `${small.toFixed(1)} ms at ${SMALL.toLocaleString('en')} studies and ${large.toFixed(1)} ms at ${LARGE.toLocaleString('en')}, ratio ${(large / small).toFixed(2)}`
}

/** Pages of 25 of everything: the first, those far behind, and those that follow by their links, in turn. */
async function deepPages({ department, studies }: Archive): Promise<string> {
  const { dicomweb, tokens } = department.endpoints()
  const far = Math.floor(studies * 0.8)
  const deep = Math.floor(studies * 0.9)
  const at = (offset: number) => `${dicomweb}/studies?limit=25&offset=${offset}`
  const timed = async (url: string) => {
    const before = performance.now()
    const { next, found } = await page(url, tokens.integration)
    if (found !== 25) throw new Error(`a page of 25 has ${found}`)
    return { ms: performance.now() - before, next }
  }
  const jump = await timed(at(deep))
  const took = {
    first: [] as number[],
    thousand: [] as number[],
    deep: [] as number[],
    following: [] as number[],
  }
  let next = jump.next
  for (let n = 0; n < REQUESTS; n += 1) {
    took.first.push((await timed(at(0))).ms)
    took.thousand.push((await timed(at(1_000))).ms)
    // Never one that was given out.
    took.deep.push((await timed(at(far + n * 37))).ms)
    const followed: { ms: number; next: string | null } = await timed(next ?? at(deep))
    took.following.push(followed.ms)
    next = followed.next
  }
  const p95 = (figures: number[]) => `${percentile(figures, 95).toFixed(1)} ms`
  return `Pages of 25 of everything at ${studies.toLocaleString('en')} studies (p95): the first ${p95(took.first)}, from 1,000 on ${p95(took.thousand)}, anywhere from ${far.toLocaleString('en')} on ${p95(took.deep)}, following one by its link there ${p95(took.following)}. The very first page that far, which nobody had counted off to in ten minutes, took ${jump.ms.toFixed(0)} ms.`
}

async function sizeOf({ sql }: Archive): Promise<string> {
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
