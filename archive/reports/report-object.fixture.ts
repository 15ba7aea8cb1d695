/** A report over two accessions, corrected once, as the rows say it: every attribute that its objects can have. */
import type { ReportObject } from '#db/queries/report-objects.ts'
import type { Code } from '#domain/report-object.ts'
import type { CodedField } from '#domain/report-text.ts'

export function aReportObject(more: Partial<ReportObject> = {}): ReportObject {
  const person = { id: 'u1', family: 'OKAFOR', given: 'IFEOMA', prefix: 'Dr', degree: null }
  const at = new Date('2026-11-22T09:15:00Z')
  const reference = (kind: 'sr' | 'pdf', studyUid: string, number: number) => ({
    ...{ kind, studyUid, seriesUid: `2.25.30${number}`, sopInstanceUid: `2.25.31${number}` },
  })
  const procedure = (number: number) => ({
    ...{ requestedProcedureId: `RP${number}`, code: '30799-1', scheme: 'LN', text: 'CT head' },
    studyUid: `2.25.${number}`,
  })
  const request = (number: number) => ({
    ...{ accession: `A26000000${number}`, placerNumber: `PL-${number}`, fillerNumber: `F-${number}` },
    ...{ reason: 'Known mass', procedures: [procedure(number)] },
  })
  const [bleeding, skull, none] = ['RID4700', 'RID6383', 'RID28454'].map((value) => ({
    ...{ scheme: 'RADLEX', value, meaning: value },
  })) as [Code, Code, Code]
  const coded: CodedField = {
    ...{ from: 0, to: 2, label: 'Bleeding', options: ['No', 'Yes'] },
    coding: { codes: [bleeding, skull], options: { No: none } },
  }
  // A field that its template has no code for, and an answer whose code is long.
  const uncoded: CodedField = {
    ...{ from: 3, to: 8, label: 'Right ventricle wall', options: ['bleed'] },
    coding: {
      codes: [],
      options: { bleed: { scheme: 'SCT', value: '50960005000000000000', meaning: 'Bleed' } },
    },
  }
  return {
    ...{ sopInstanceUid: '2.25.100', seriesUid: '2.25.101', kind: 'sr', version: 2, studyUid: '2.25.1' },
    ...{
      attributes: {},
      versionKind: 'addendum',
      contentHash: '00ff'.repeat(16),
      saidAt: at,
      releasedAt: at,
    },
    site: { name: 'Main hospital', zone: 'Europe/Berlin' },
    person,
    assistants: [{ id: 'u2', family: 'LUND', given: 'ADA', prefix: null, degree: 'MD' }],
    patient: {
      ...{ name: { alphabetic: { family: 'TESTPERSON', given: 'VERA' } }, birthDate: '1978-02-14', sex: 'F' },
      identifiers: [{ value: 'SYN-1', issuer: 'MAIN' }],
    },
    requests: [request(1), request(2)],
    sections: [
      { key: 'findings', text: 'No bleed.', fields: [coded, uncoded], addendum: null },
      { key: 'addendum', text: 'Unchanged.', fields: [], addendum: { by: person, at } },
    ],
    predecessor: reference('sr', '2.25.1', 1),
    identical: [reference('sr', '2.25.2', 2)],
    document: reference('sr', '2.25.1', 3),
    evidence: [
      {
        ...{ studyUid: '2.25.1', seriesUid: '2.25.40', sopClassUid: '1.2.840.10008.5.1.4.1.1.2' },
        sopInstanceUid: '2.25.41',
      },
    ],
    ...more,
  }
}
