/** The conformance statement's tables, held against the code's own: what is changed in one is changed in the other. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REPERTOIRES } from '#archive/dimse/coded-set.ts'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { isKeyword, tagOf } from '#archive/dimse/dictionary.ts'
import { DICTIONARY } from '#archive/dimse/dictionary-data.ts'
import { encodeFileMeta, readPart10 } from '#archive/dimse/part10.ts'
import { DIMSE_LIMITS, DIMSE_TIMERS } from '#archive/dimse/settings.ts'
import * as sopClasses from '#archive/dimse/sop-class.ts'
import { STATUS } from '#archive/dimse/status.ts'
import { TLS_PROFILE } from '#archive/dimse/tls-profile.ts'
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '#archive/dimse/uid.ts'
import { noteDataset } from '#archive/ingest/rejection-note.ts'
import { basicTextSr } from '#archive/reports/basic-text-sr.ts'
import { encapsulatedPdf } from '#archive/reports/encapsulated-pdf.ts'
import { aReportObject } from '#archive/reports/report-object.fixture.ts'
import { REPORT_TIMINGS } from '#archive/scp/commitment-reports.ts'
import type { Caller } from '#archive/scp/devices.ts'
import { supportsFor } from '#archive/scp/services.ts'
import { isStorageClass } from '#archive/scp/storage-classes.ts'
import { sendableIn } from '#archive/scp/stored-object.ts'
import { explainConfig, readConfig } from '#config'
import { isMatched, type Level } from '#db/queries/matching-keys.ts'
import { MPPS_STATUS } from '#domain/performed-step.ts'
import { POLICY_VERSION_1 } from '#domain/policy.ts'
import { REJECTION_TITLES } from '#domain/rejection-note.ts'

const ROOT = new URL('../', import.meta.url)
const source = (path: string) => readFileSync(new URL(path, ROOT), 'utf8')
const statement = source('docs/dicom-conformance.md')

interface Table {
  section: string
  header: string[]
  rows: string[][]
}

const tables = tablesOf(statement)

function tablesOf(text: string): Table[] {
  const found: Table[] = []
  let section = ''
  let open: Table | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) section = line.replace(/^#+ /, '')
    if (!line.startsWith('|')) open = undefined
    else if (/^\|[-|]+\|$/.test(line)) continue
    else if (open) open.rows.push(cells(line))
    else {
      open = { section, header: cells(line), rows: [] }
      found.push(open)
    }
  }
  return found
}

function cells(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim())
}

/** The one table that begins with this column, in a section where several do. */
function table(column: string, section = ''): string[][] {
  const found = tables.filter(({ header, section: at }) => header[0] === column && at.startsWith(section))
  expect([column, section, found.length]).toEqual([column, section, 1])
  return found[0]!.rows
}

const column = (rows: string[][], at: number) => rows.map((row) => row[at]!)
const sorted = (values: Iterable<string>) => [...new Set(values)].sort()
const tags = (text: string) => text.match(/\([0-9A-F]{4},[0-9A-F]{4}\)/g) ?? []
const written = (tag: number) => {
  const hex = tag.toString(16).toUpperCase().padStart(8, '0')
  return `(${hex.slice(0, 4)},${hex.slice(4)})`
}
const statuses = (text: string) => text.match(/\b[0-9A-F]{4}H\b/g) ?? []

const ANYBODY = { sopClasses: null, transferSyntaxes: null } as Caller

test('the services of the overview and of the acceptance table are those that an association gets accepted', () => {
  const supports = supportsFor(ANYBODY)
  const services = Object.values(sopClasses)
    .filter((one) => typeof one === 'string')
    .filter((uid) => !isStorageClass(uid) && uid !== sopClasses.STORAGE_COMMITMENT_PUSH_INSTANCE)
  const overview = column(table('SOP class', '1.1'), 1).filter((uid) => !uid.includes('*'))
  expect(sorted(overview)).toEqual(sorted(services))
  const messages = table('Abstract syntax').slice(0, -1)
  const [, syntaxes = ''] = messages[0]!
  const accepted = messages.flatMap(([abstract = '']) => abstract.match(/1\.2\.840[\d.]*\d/g) ?? [])
  expect(sorted(accepted)).toEqual(sorted(services))
  const inOrder = syntaxes.match(/1\.2\.840[\d.]*\d/g)
  for (const uid of accepted) expect(supports(uid)).toEqual({ transferSyntaxes: inOrder })
})

test('every Storage SOP class of the annex is accepted in any transfer syntax, and nothing of no study is', () => {
  const supports = supportsFor(ANYBODY)
  const listed = table('SOP class', 'Annex E')
  expect(listed.length).toBeGreaterThan(150)
  expect(new Set(column(listed, 1)).size).toBe(listed.length)
  const objects = { transferSyntaxes: [], anyTransferSyntax: true, requestorMayBeScp: true }
  for (const [name, uid = ''] of listed) expect([name, supports(uid)]).toEqual([name, objects])
  for (const uid of ['1.2.840.10008.5.1.4.1.1.999.1', '1.3.12.2.1107.5.9.1'])
    expect(supports(uid)).toEqual(objects)
  // Palettes, implants; inventories and protocols with what queries them; UPS; print.
  const ofNoStudy = [
    '39.1',
    '43.1',
    '44.1',
    '45.1',
    '34.6.1',
    '1.1.200.1',
    '1.1.200.3',
    '1.1.200.4',
    '1.1.201.1',
  ]
  for (const end of ofNoStudy) expect(supports(`1.2.840.10008.5.1.4.${end}`)).toBeUndefined()
  expect(supports('1.2.840.10008.5.1.1.9')).toBeUndefined()
})

test('what an object may be sent in is what the table of transfer syntaxes says', () => {
  for (const [stored = '', sent = ''] of table('Stored in').slice(0, -2)) {
    const [uid = ''] = stored.match(/1\.2\.840[\d.]*\d/) ?? []
    expect(sendableIn(uid)).toEqual(sent.split(', '))
  }
  const [[compressed = '', sent = ''] = [], [others] = []] = table('Stored in').slice(-2)
  const decoded: string[] = compressed.match(/1\.2\.840[\d.]*\d/g) ?? []
  for (const uid of decoded) expect(sendableIn(uid)).toEqual([uid, ...sent.split(', ').slice(1)])
  expect(others).toBe('any other')
  const encapsulated = Array.from({ length: 210 }, (_, n) => `1.2.840.10008.1.2.4.${n}`)
  for (const uid of [...encapsulated, '1.2.840.10008.1.2.1.98'].filter((one) => !decoded.includes(one)))
    expect(sendableIn(uid)).toEqual([uid])
})

test('the implementation is identified as stated', () => {
  const parameters = new Map(table('Parameter', '7.2.1').map(([name, value]) => [name, value]))
  expect(parameters.get('Implementation class UID')).toBe(IMPLEMENTATION_CLASS_UID)
  expect(parameters.get('Implementation version name')).toBe(IMPLEMENTATION_VERSION_NAME)
  const { version } = JSON.parse(source('package.json')) as { version: string }
  expect(version.startsWith(`${table('', 'DICOM').find(([name]) => name === 'Version')![1]}.`)).toBe(true)
})

test('limits and timers have the settings and defaults that are stated', () => {
  const { limits, timers } = { limits: DIMSE_LIMITS, timers: DIMSE_TIMERS }
  const [configurable, fixed] = tables.filter(
    ({ header, section }) => header[0] === 'Parameter' && section.startsWith('6.2'),
  )
  const number = (text: string) => Number(text.replaceAll(',', ''))
  const stated = new Map(
    configurable!.rows.map(([, setting = '', value = '']) => [setting.split('`')[1]!, value]),
  )
  const defaults = {
    DICOM_MAX_ASSOCIATIONS: limits.associations,
    DICOM_MAX_ASSOCIATIONS_PER_ADDRESS: limits.associationsPerAddress,
    DICOM_MAX_CONNECTIONS: limits.connections,
    DICOM_MAX_CONNECTIONS_PER_ADDRESS: limits.connectionsPerAddress,
    DICOM_MAX_PDU_BYTES: limits.pduBytes,
    DICOM_ARTIM_SECONDS: timers.artimMs / 1000,
    DICOM_IDLE_SECONDS: timers.idleMs / 1000,
    DICOM_STALL_SECONDS: timers.stallMs / 1000,
    DICOM_FLOOR_BYTES_PER_SECOND: timers.floorBytesPerSecond,
    DICOM_FLOOR_AFTER_SECONDS: timers.graceMs / 1000,
  }
  for (const [name, value] of Object.entries(defaults))
    expect([name, number(stated.get(name)!)]).toEqual([name, value])
  expect(stated.get('unknownCallingAe')).toBe(`\`${POLICY_VERSION_1.unknownCallingAe}\``)
  expect(stated.get('duplicateInstance')).toBe(`\`${POLICY_VERSION_1.duplicateInstance}\``)
  // Every DICOM setting that there is, in the table or named by it.
  const settings = explainConfig({}).match(/^DICOM_\w+|^ISOCENTER_DICOM\w+|^ISOCENTER_AE_TITLE/gm)!
  for (const name of settings) expect([name, statement.includes(`\`${name}\``)]).toEqual([name, true])
  expect(column(fixed!.rows, 1).map(number)).toEqual([
    limits.associatePduBytes,
    limits.commandBytes,
    limits.datasetBytes,
    limits.waitingRequests,
    timers.responseMs / 1000,
    timers.lingerMs / 1000,
    timers.artimMs / 1000,
  ])
})

test('AE title and ports are those of an empty configuration', () => {
  const { aeTitle, ports, listen } = readConfig({})
  const [archive, web] = table('Application entity')
  expect(archive!.slice(1).map((cell) => cell.split('default ')[1])).toEqual([
    aeTitle,
    `${ports.dicom}`,
    `${ports.dicomTls}`,
  ])
  expect(web![2]).toContain(`default ${ports.app}`)
  expect(statement).toContain(`\`ISOCENTER_LISTEN\`, default ${listen}:`)
})

test('associations are rejected with the results, sources and reasons that are stated, and no others', () => {
  const stated = column(table('Check'), 1).map((cell) => cell.replaceAll(' ', ''))
  const rejections = [
    ...source('archive/dimse/listener.ts').matchAll(/result: (\d), source: (\d), reason: (\d)/g),
  ].map(([, ...numbers]) => numbers.join('/'))
  expect(rejections.length).toBeGreaterThan(6)
  expect(sorted(stated)).toEqual(sorted(rejections))
})

test('a storage commitment report is sent again when and as long as stated', () => {
  const seconds = column(table('After attempt'), 1).map((cell) => Number.parseInt(cell, 10) * 1000)
  expect(seconds).toEqual(REPORT_TIMINGS.retryMs)
  expect(REPORT_TIMINGS.giveUpMs).toBe(7 * 24 * 3_600_000)
  expect([REPORT_TIMINGS.patienceMs, REPORT_TIMINGS.freshMs]).toEqual([10_000, 600_000])
})

/** Statuses by name in the files of a service. */
function answeredIn(...files: string[]): string[] {
  const named = files.flatMap((file) => [...source(file).matchAll(/\b(MPPS_)?STATUS\.(\w+)/g)])
  return named.map(([, isMpps, name = '']) => {
    const value = (isMpps ? MPPS_STATUS : STATUS)[name as never] as number | undefined
    if (value === undefined) throw new Error(`no status ${name}`)
    return `${value.toString(16).toUpperCase().padStart(4, '0')}H`
  })
}

test.each([
  ['7.3.2', ['0000H', '0110H', 'A700H'], ['archive/scp/services.ts'], ['0122H', '0211H']],
  [
    '7.3.3',
    ['0000H'],
    ['archive/scp/store.ts', 'archive/ingest/examine.ts', 'archive/ingest/ingest.ts'],
    ['0117H'],
  ],
  ['7.3.4', ['0000H', 'FF00H', 'FF01H', 'FE00H', 'C000H'], ['archive/scp/modality-worklist.ts'], []],
  ['7.3.5', ['0000H'], ['archive/scp/mpps.ts'], []],
  [
    '7.3.6',
    ['0000H', 'FF00H', 'FF01H', 'FE00H', 'C000H'],
    ['archive/scp/find.ts', 'archive/scp/retrieve-keys.ts'],
    [],
  ],
  [
    '7.3.7',
    ['0000H', 'FF00H', 'C000H'],
    [
      'archive/scp/retrieve.ts',
      'archive/scp/retrieve-keys.ts',
      'archive/scp/move.ts',
      'archive/scp/sub-operations.ts',
    ],
    [],
  ],
  ['7.3.8', ['0000H'], ['archive/scp/commitment.ts'], []],
] as [string, string[], string[], string[]][])(
  'the statuses of section %s are those that the service answers with',
  (section, ofAll, files, ofTheLayerBelow) => {
    const stated = column(table('Status', section), 0)
    expect(sorted(stated)).toEqual(sorted([...ofAll, ...answeredIn(...files), ...ofTheLayerBelow]))
  },
)

test('the reasons for which an instance is not committed are those that a report gives', () => {
  expect(sorted(column(table('Failure Reason'), 0))).toEqual(
    sorted(answeredIn('archive/scp/commitment-check.ts')),
  )
})

/** Keywords that stand before a colon, or alone as a string, in a part of a file. */
function keywordsIn(path: string, from: string, to: string): string[] {
  const text = source(path)
  const part = text.slice(text.indexOf(from), text.indexOf(to, text.indexOf(from)))
  expect(part.length).toBeGreaterThan(from.length)
  const names = [...part.matchAll(/\b([A-Z]\w+)(?=:)|'([A-Z]\w+)'/g)].map(
    ([, before, quoted]) => before ?? quoted!,
  )
  return names.filter(isKeyword).map((name) => written(tagOf(name)))
}

test('[MA-01] the worklist answers and matches on the keys that are stated', () => {
  const answered = keywordsIn(
    'archive/scp/modality-worklist.ts',
    'function entry(',
    'What images and performed',
  )
  const codes = keywordsIn('archive/scp/modality-worklist.ts', 'function code(', 'A line for a field')
  const returned = column(table('Return key'), 1)
  expect(sorted(returned)).toEqual(sorted([...answered, ...codes]))
  const asked = keywordsIn('archive/scp/modality-worklist.ts', 'function askedFor(', 'function notUnderstood')
  const names = ['(0010,0010)']
  expect(sorted(column(table('Matching key'), 1))).toEqual(sorted([...asked, ...names]))
})

test('[MA-03] a performed step wants, and keeps, the attributes that are stated', () => {
  const wanted = keywordsIn('archive/scp/mpps.ts', 'const TYPE_ONE', 'N-SET: changed')
  expect(sorted(column(table('Type 1 of N-CREATE'), 1))).toEqual(sorted([...wanted, '(0020,000D)']))
  const kept = keywordsIn('archive/scp/mpps.ts', 'const FIXED', 'function statusOf')
  expect(sorted(column(table('Kept by N-SET'), 1))).toEqual(sorted(kept))
})

test('[AR-02] queries match on the keys that are stated, each from its level on', () => {
  const rows = table('Key')
  const every = DICTIONARY.trim()
    .split('\n')
    .map((line) => line.slice(0, 8).toUpperCase())
  const matched = (level: Level) =>
    sorted(every.filter((tag) => isMatched(level, tag)).map((tag) => written(tagOf(tag))))
  const upTo = (...levels: string[]) =>
    sorted(rows.filter((row) => levels.includes(row[2]!)).map((row) => row[1]!))
  expect(upTo('PATIENT', 'STUDY')).toEqual(matched('study'))
  expect(upTo('PATIENT', 'STUDY', 'SERIES')).toEqual(matched('series'))
  expect(upTo('PATIENT', 'STUDY', 'SERIES', 'IMAGE')).toEqual(matched('instance'))
  expect(upTo('PATIENT').every((tag) => tag.startsWith('(0010,'))).toBe(true)
})

test('character sets are read as stated', () => {
  const [single, extended, whole] = column(table('Read'), 1) as [string, string, string]
  const numbers = (text: string) =>
    (text.match(/IR (\d+)|ISO_IR (\d+)/g) ?? []).map((term) => Number(term.split(/[ _]/).at(-1)))
  const known = [...numbers(single), ...numbers(extended)].sort((a, b) => a - b)
  expect(known).toEqual(
    Object.keys(REPERTOIRES)
      .map(Number)
      .filter((number) => number !== 6),
  )
  expect(sorted(whole.split(', '))).toEqual(
    sorted(
      [...source('archive/dimse/character-set.ts').matchAll(/^ {2}'?(ISO_IR 192|GB18030|GBK)'?:/gm)].map(
        ([, name]) => name!,
      ),
    ),
  )
})

test('the TLS profile is the one that is stated', () => {
  const rows = new Map(table('', '8.1').map(([name, value]) => [name, value!]))
  const suites = rows.get('Cipher suites, in our order')!.match(/TLS_\w+|ECDHE-[\w-]+\d/g)!
  expect(suites.join(':')).toBe(TLS_PROFILE.ciphers)
  expect([TLS_PROFILE.minVersion, TLS_PROFILE.maxVersion]).toEqual(['TLSv1.2', 'TLSv1.3'])
})

test('a rejection note holds the attributes that the annex lists, at the depth at which it lists them', () => {
  const note = noteDataset({
    id: 'none',
    code: '113001',
    reasonCodes: ['111210'],
    at: new Date('2026-11-22T09:15:00Z'),
    noteUid: '2.25.1',
    noteSeriesUid: '2.25.2',
    studyUid: '2.25.3',
    attributes: {},
    instances: [{ seriesUid: '2.25.4', sopClassUid: '1.2.3', sopInstanceUid: '2.25.5', hasPixels: true }],
  })
  const listed = table('Attribute', 'A.2').map(
    ([name = '', tag = '']) => `${/^>* ?/.exec(name)![0].trim()}${tag}`,
  )
  expect(sorted(listed)).toEqual(sorted(attributesOf(note)))
})

test.each([
  ['A.6', () => basicTextSr(aReportObject())],
  ['A.7', () => encapsulatedPdf(aReportObject({ kind: 'pdf' }), Buffer.from('%PDF'))],
])(
  'a report holds the attributes that annex %s lists, at the depth at which it lists them',
  (section, made) => {
    const listed = table('Attribute', section).map(
      ([name = '', tag = '']) => `${/^>* ?/.exec(name)![0].trim()}${tag}`,
    )
    expect(sorted(listed)).toEqual(sorted(attributesOf(made())))
  },
)

test('the terms of reports are those that annex C lists', () => {
  const listed = table('Code').flatMap(([codes = '']) => codes.split(', '))
  const code_ = ['archive/reports/basic-text-sr.ts', 'domain/report-object.ts'].map(source).join('')
  const used = [...code_.matchAll(/(?:dcm|loinc)\('([\d-]+)'|value: '([\w-]{6,})'/g)].map(
    ([, one, other]) => (one ?? other)!,
  )
  expect(used.length).toBeGreaterThan(15)
  for (const code of used) expect(listed).toContain(code)
})

function attributesOf(dataset: Dataset, depth = ''): string[] {
  return dataset
    .inOrder()
    .flatMap((element) => [
      `${depth}${written(element.tag)}`,
      ...(element.kind === 'sequence'
        ? element.items.flatMap((item) => attributesOf(item, `${depth}>`))
        : []),
    ])
}

test('File Meta Information, corrections and coded terms are as the annexes list them', () => {
  const meta = encodeFileMeta({
    sopClassUid: '1.2.3',
    sopInstanceUid: '1.2.3.4',
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    sendingAe: 'CT1',
    receivingAe: 'ISOCENTER',
  })
  const group = readPart10(meta)
    .meta.inOrder()
    .map(({ tag }) => written(tag))
  expect(sorted(column(table('Attribute', 'A.1'), 1))).toEqual(sorted(['(0002,0000)', ...group]))
  const corrected = [
    ...source('archive/storage/coercion.ts').matchAll(
      /'(0[0-9A-F]{7})': (?:[^{\n]*\? )?(?:\{ vr|source)|'(0400[0-9A-F]{4})':/g,
    ),
  ]
  const listed = column(table('Attribute', 'A.3'), 1)
  expect(sorted(listed)).toEqual(sorted(corrected.map(([, one, other]) => written(tagOf(one ?? other!)))))
  const titles = table('Code').filter(([, , , use]) => use!.startsWith('title'))
  expect(Object.fromEntries(titles.map(([code, , meaning]) => [code, meaning]))).toEqual(REJECTION_TITLES)
})

test('DICOMweb answers with the statuses that are stated, and no others', () => {
  const folder = new URL('archive/web/', ROOT)
  const files = readdirSync(folder).filter(
    (name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name),
  )
  const texts = [
    ...files.map((name) => source(`archive/web/${name}`)),
    source('app/viewer/image-services.ts'),
  ]
  const answers = /WebError\((\d{3})|status: (\d{3})\b|problem\((\d{3})|[?:] ([2-5]\d\d)(?= :|$)/gm
  const answered = texts.flatMap((text) =>
    [...text.matchAll(answers)].map((match) => match.slice(1).find(Boolean)!),
  )
  const stated = column(table('Status', '7.3.9'), 0).flatMap((cell) => cell.split(', '))
  expect(sorted(stated)).toEqual(sorted(answered))
})

const KIB = 1024
const MIB = 1024 * KIB

test.each([
  ['archive/dimse/header-scan.ts', 'HEADER_ELEMENTS', 250_000, '250,000 elements and items'],
  ['archive/dimse/header-scan.ts', 'HEADER_BYTES', 24 * MIB, '24 MiB of values'],
  ['archive/dimse/header-scan.ts', 'LOCATE_ABOVE_BYTES', 64 * KIB, 'values above 64 KiB'],
  ['archive/dimse/header-scan.ts', 'LEAVE_ABOVE_BYTES', MIB, 'longer than 1 MiB'],
  ['archive/dimse/header-scan.ts', 'MOST_ELEMENTS', 1_000_000, '1,000,000 elements'],
  ['archive/dimse/header-scan.ts', 'INFLATED_BYTES', 32 * MIB, '32 MiB when inflated'],
  ['archive/dimse/message-writer.ts', 'LONGEST_PDU_BYTES', MIB, 'at most 1,048,576 bytes'],
  ['archive/ingest/ingest.ts', 'BACKLOG_LIMIT', 1_000, 'when 1,000 objects wait'],
  ['archive/scp/devices.ts', 'CACHE_MS', 1_000, 'at most once a second'],
  ['archive/scp/mpps.ts', 'PARKED_MS', 1_000, 'waits one second'],
  ['archive/scp/commitment-reports.ts', 'TOLD_AFTER_ATTEMPTS', 8, 'After eight attempts'],
  ['archive/scp/move.ts', 'CONTEXTS', 128, '128 contexts each'],
  ['archive/web/qido-rs.ts', 'MOST_RESULTS', 1_000, '`limit` (at most 1,000)'],
  ['archive/web/service.ts', 'LARGEST_BYTES', 4 * KIB * MIB, 'up to 4 GiB'],
  ['db/queries/modality-worklist.ts', 'MOST_STEPS', 5_000, 'At most 5,000 steps'],
] as const)('of %s, %s is %i, and the statement says so', (path, name, value, words) => {
  const [, stated = ''] = new RegExp(`^const ${name} = ([\\d_ *]+)$`, 'm').exec(source(path)) ?? []
  const factors = stated.replaceAll('_', '').replaceAll('**', '^').split(' * ')
  const product = factors.reduce((so, factor) => {
    const [base, exponent = '1'] = factor.split(' ^ ')
    return so * Number(base) ** Number(exponent)
  }, 1)
  expect([name, product]).toEqual([name, value])
  expect(statement).toContain(words)
})

test('every attribute is named with the tag that it has', () => {
  for (const { header, rows } of tables)
    for (const row of rows)
      for (const tag of row.flatMap(tags)) {
        const hex = tag.replace(/[(),]/g, '')
        expect([header[0], tag, DICTIONARY.toUpperCase().includes(`\n${hex}`) || hex === '00020000']).toEqual(
          [header[0], tag, true],
        )
      }
})

test('the contents name every section, and every reference leads to one', () => {
  const anchors = [...statement.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  for (const [, anchor] of statement.matchAll(/\]\(#([^)]+)\)/g)) expect(anchors).toContain(anchor)
  expect(statuses(statement).length).toBeGreaterThan(50)
})
