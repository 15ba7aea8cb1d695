import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { Dataset } from '../dimse/dataset.ts'
import {
  madeFile,
  program,
  type Served,
  sendFile,
  serve,
  type TestArchive,
  testArchive,
} from './archive.fixture.ts'

let archive: TestArchive
let served: Served

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  served = await serve(archive, () => program)
  const files = [
    madeFile({
      StudyInstanceUID: '2.25.1',
      SeriesInstanceUID: '2.25.11',
      Modality: 'CT',
      SeriesNumber: 1,
      AccessionNumber: 'A1',
      TimezoneOffsetFromUTC: '+0100',
      PerformedProcedureStepStartDate: '20260102',
      PerformedProcedureStepStartTime: '1030',
      '00190010': 'A MAKER',
      '00191002': 'theirs',
      RequestAttributesSequence: [
        Dataset.of({ ScheduledProcedureStepID: 'STEP1', RequestedProcedureID: 'REQ1' }, []),
        Dataset.of({ ScheduledProcedureStepID: 'STEP2', RequestedProcedureID: 'REQ2' }, []),
      ],
    }),
    madeFile({ StudyInstanceUID: '2.25.2', SeriesInstanceUID: '2.25.21', Modality: 'MR', PatientName: '' }),
    madeFile({
      StudyInstanceUID: '2.25.3',
      SeriesInstanceUID: '2.25.31',
      Modality: 'US',
      AccessionNumber: 'A3',
    }),
  ]
  for (const file of files) expect((await sendFile(served, file)).status).toBe(200)
})

afterAll(async () => {
  served.close()
  await archive.close()
})

type Json = Record<string, { vr: string; Value?: unknown[] }>

async function found(path: string): Promise<Json[]> {
  const response = await fetch(`${served.url}${path}`)
  expect([path, [200, 204].includes(response.status)]).toEqual([path, true])
  expect([path, response.headers.get('cache-control')]).toEqual([path, 'no-store'])
  return response.status === 204 ? [] : ((await response.json()) as Json[])
}

const studies = async (query: string, level = 'studies') =>
  (await found(`/${level}?${query}`)).map((one) => String(one['0020000D']!.Value![0]).slice(5)).sort()

test('[DW-01] a series is found by the scheduled step and the requested procedure it was made for', async () => {
  for (const query of [
    'RequestAttributesSequence.ScheduledProcedureStepID=STEP2',
    '00400275.00400009=STEP1',
    '00400275.00401001=REQ*',
    'RequestAttributesSequence.00401001=REQ2',
  ])
    for (const level of ['series', 'instances'])
      expect([query, level, await studies(query, level)]).toEqual([query, level, ['1']])
  expect(await studies('00400275.00401001=REQ9', 'series')).toEqual([])
  expect(await studies('00400275.00401001=', 'series')).toEqual(['1', '2', '3'])
  const nonsense = await fetch(`${served.url}/series?RequestAttributesSequence.NoSuchKeyword=x`)
  expect(nonsense.status).toBe(400)
})

test('[DW-01] a series says when and for which request it was made, and in which time zone', async () => {
  const [series] = await found('/studies/2.25.1/series')
  expect(series).toMatchObject({
    '00080201': { vr: 'SH', Value: ['+0100'] },
    '00400244': { vr: 'DA', Value: ['20260102'] },
    '00400245': { vr: 'TM', Value: ['1030'] },
    '00400275': {
      vr: 'SQ',
      Value: [
        { '00400009': { vr: 'SH', Value: ['STEP1'] }, '00401001': { vr: 'SH', Value: ['REQ1'] } },
        { '00400009': { vr: 'SH', Value: ['STEP2'] }, '00401001': { vr: 'SH', Value: ['REQ2'] } },
      ],
    },
  })
  const [plain] = await found('/studies/2.25.2/series')
  expect(Object.keys(plain!)).not.toContain('00400275')
})

test('[DW-01] one of several values is enough, and two quotation marks find what has none, for who asks so', async () => {
  const many = 'multiplevaluematching=true'
  const empty = 'emptyvaluematching=true'
  expect(await studies(`Modality=CT%5CMR&${many}`, 'series')).toEqual(['1', '2'])
  expect(await studies(`AccessionNumber=A1%5CA3&${many}`)).toEqual(['1', '3'])
  expect(await studies(`ModalitiesInStudy=CT%5CUS&${many}`)).toEqual(['1', '3'])
  expect(await studies(`AccessionNumber=%22%22&${empty}`)).toEqual(['2'])
  expect(await studies(`PatientName=%22%22&${empty}`)).toEqual(['2'])
  expect(await studies(`SeriesNumber=%22%22&${empty}`, 'series')).toEqual(['2', '3'])
  expect(await studies(`00400275.00400009=%22%22&${empty}`, 'series')).toEqual(['2', '3'])
  expect(await studies('Modality=CT%5CMR', 'series')).toEqual([])
  expect(await studies('AccessionNumber=%22%22')).toEqual([])
  expect((await fetch(`${served.url}/studies?${empty.replace('true', 'perhaps')}`)).status).toBe(400)
})

test('[DW-01] a name of no letter finds nobody, and not those without a name', async () => {
  for (const name of ['%25', '-', '_', '.', '%22%22'])
    for (const fuzzy of [false, true])
      expect([name, fuzzy, await studies(`PatientName=${name}&fuzzymatching=${fuzzy}`)]).toEqual([
        name,
        fuzzy,
        [],
      ])
})

test('[DW-01] a zero byte in a key is nonsense, and a plus in the address is a plus of the media type', async () => {
  for (const query of ['PatientID=%00', 'StudyDescription=a%00b', 'PatientName=%00*'])
    expect([query, (await fetch(`${served.url}/studies?${query}`)).status]).toEqual([query, 400])
  expect((await fetch(`${served.url}/studies?accept=application/dicom+json`)).status).toBe(200)
})

test('[DW-01] a private element comes with the name of who made it', async () => {
  for (const path of [
    '/studies/2.25.1/series',
    '/studies/2.25.1/instances',
    '/studies?StudyInstanceUID=2.25.1',
  ]) {
    const [one] = await found(`${path}${path.includes('?') ? '&' : '?'}includefield=00191002`)
    expect([path, one!['00190010']?.Value, Object.keys(one!['00191002'] ?? {})]).toEqual([
      path,
      ['A MAKER'],
      ['vr', 'InlineBinary'],
    ])
  }
})
