/** A report version as a Basic Text SR document (PS3.3 A.35.1, PS3.16 TID 2000, 1001, 1204). */
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import type { ReportPerson } from '#db/queries/report-content.ts'
import type { ReportObject, ReportRequest } from '#db/queries/report-objects.ts'
import { type Code, isVerified, LOCAL_SCHEME, REPORT_TITLE, sectionCodes } from '#domain/report-object.ts'
import type { CodedField, FieldCoding } from '#domain/report-text.ts'
import { instantIn } from './instant-in.ts'
import { coded, hierarchy, reportDataset, SERIES_NUMBERS } from './report-modules.ts'

/** The same version makes the same bytes in its study. */
export function basicTextSr(object: ReportObject): Dataset {
  const verified = isVerified(object.versionKind)
  return reportDataset(object, {
    Modality: 'SR',
    SeriesNumber: SERIES_NUMBERS.sr,
    SeriesDescription: 'Report',
    ReferencedPerformedProcedureStepSequence: [],
    CompletionFlag: 'COMPLETE',
    VerificationFlag: verified ? 'VERIFIED' : 'UNVERIFIED',
    PreliminaryFlag: verified ? 'FINAL' : 'PRELIMINARY',
    ...(verified && { VerifyingObserverSequence: [verifyingObserver(object)] }),
    AuthorObserverSequence: [...object.assistants, object.person].map((person) =>
      authorObserver(object, person),
    ),
    ReferencedRequestSequence: object.requests.flatMap(referencedRequests),
    PerformedProcedureCodeSequence: procedureCodes(object),
    ...(object.evidence.length > 0 && {
      CurrentRequestedProcedureEvidenceSequence: hierarchy(object.evidence),
    }),
    ValueType: 'CONTAINER',
    ConceptNameCodeSequence: [coded(REPORT_TITLE)],
    ContinuityOfContent: 'SEPARATE',
    ContentTemplateSequence: [Dataset.of({ MappingResource: 'DCMR', TemplateIdentifier: '2000' })],
    ContentSequence: [...context(object), ...sections(object), contentHash(object)],
  })
}

function verifyingObserver({ person, site, saidAt }: ReportObject): Dataset {
  return Dataset.of({
    VerifyingOrganization: site.name.slice(0, 64),
    VerificationDateTime: instantIn(saidAt, site.zone).dateTime,
    VerifyingObserverName: personName(person),
    VerifyingObserverIdentificationCodeSequence: [],
  })
}

function authorObserver({ site }: ReportObject, person: ReportPerson): Dataset {
  return Dataset.of({
    InstitutionName: site.name.slice(0, 64),
    InstitutionCodeSequence: [],
    PersonIdentificationCodeSequence: [],
    ObserverType: 'PSN',
    PersonName: personName(person),
  })
}

function personName({ family, given, prefix, degree }: ReportPerson): { alphabetic: string } {
  return { alphabetic: [family, given, '', prefix ?? '', degree ?? ''].join('^').replace(/\^+$/, '') }
}

function referencedRequests(request: ReportRequest): Dataset[] {
  return request.procedures.map(({ requestedProcedureId, code, scheme, text, studyUid }) =>
    Dataset.of({
      AccessionNumber: request.accession,
      ReferencedStudySequence: [],
      StudyInstanceUID: studyUid,
      RequestedProcedureDescription: text.slice(0, 64),
      RequestedProcedureCodeSequence: [coded({ value: code, scheme, meaning: text })],
      RequestedProcedureID: requestedProcedureId,
      ReasonForTheRequestedProcedure: request.reason?.slice(0, 64) ?? '',
      PlacerOrderNumberImagingServiceRequest: request.placerNumber?.slice(0, 64) ?? '',
      FillerOrderNumberImagingServiceRequest: request.fillerNumber.slice(0, 64),
    }),
  )
}

/** Each code once, whichever orders asked for it. */
function procedureCodes({ requests }: ReportObject): Dataset[] {
  const codes = requests.flatMap(({ procedures }) => procedures)
  const each = new Map(codes.map((one) => [`${one.scheme}|${one.code}`, one]))
  return [...each.values()].map(({ code, scheme, text }) => coded({ value: code, scheme, meaning: text }))
}

type Relationship = 'CONTAINS' | 'HAS OBS CONTEXT' | 'HAS CONCEPT MOD'

function item(
  relationship: Relationship,
  [valueType, name]: readonly [string, Code],
  value: Record<string, Value>,
): Dataset {
  return Dataset.of({
    RelationshipType: relationship,
    ValueType: valueType,
    ConceptNameCodeSequence: [coded(name)],
    ...value,
  })
}

const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning })

/** TID 1204, TID 1002 of whoever answers for the words, and TID 1005 of every order that they answer. */
function context({ person, requests, site }: ReportObject): Dataset[] {
  const observed = (valueType: string, name: Code, value: Record<string, Value>) =>
    item('HAS OBS CONTEXT', [valueType, name], value)
  return [
    item('HAS CONCEPT MOD', ['CODE', dcm('121049', 'Language of Content Item and Descendants')], {
      ConceptCodeSequence: [coded({ value: 'en', scheme: 'RFC5646', meaning: 'English' })],
    }),
    observed('CODE', dcm('121005', 'Observer Type'), {
      ConceptCodeSequence: [coded(dcm('121006', 'Person'))],
    }),
    observed('PNAME', dcm('121008', 'Person Observer Name'), { PersonName: personName(person) }),
    observed('TEXT', dcm('121009', "Person Observer's Organization Name"), { TextValue: site.name }),
    ...requests.flatMap(({ accession, procedures }) => [
      ...[...new Set(procedures.map(({ studyUid }) => studyUid))].map((uid) =>
        observed('UIDREF', dcm('121018', 'Procedure Study Instance UID'), { UID: uid }),
      ),
      observed('TEXT', dcm('121022', 'Accession Number'), { TextValue: accession }),
    ]),
  ]
}

/** A container for each heading: its words, then what is coded among them; an addendum says who added it and when. */
function sections({ sections: written, site }: ReportObject): Dataset[] {
  return written
    .filter(({ text }) => text.trim() !== '')
    .map(({ key, text, fields, addendum }) => {
      const { heading, element } = sectionCodes(key)
      return item('CONTAINS', ['CONTAINER', heading], {
        ContinuityOfContent: 'SEPARATE',
        ContentSequence: [
          ...(addendum ? addedBy(addendum, site.zone) : []),
          item('CONTAINS', ['TEXT', element], { TextValue: lines(text) }),
          ...fields.flatMap((field) => answer(field, text.slice(field.from, field.to))),
        ],
      })
    })
}

const lines = (text: string) => text.trim().replace(/\r?\n/g, '\r\n')

/**
 * What was answered to a coded field of a template: its code for a name, and a code for the answer where the template has
 * one for it. Numbers stay words: this class has no NUM (PS3.3 A.35.1.3.1).
 */
function answer({ label, coding }: CodedField, words: string): Dataset[] {
  const [first, ...further] = coding.codes
  const codes = answersIn(coding, words.trim())
  if (!first && codes.length === 0) return []
  const name = first ?? {
    value: label || 'FIELD',
    scheme: LOCAL_SCHEME,
    meaning: label || 'Field',
  }
  const modifiers = further.map((one) =>
    item('HAS CONCEPT MOD', ['CODE', FURTHER_TERM], { ConceptCodeSequence: [coded(one)] }),
  )
  const below: Record<string, Value> = modifiers.length > 0 ? { ContentSequence: modifiers } : {}
  if (codes.length === 0) return [item('CONTAINS', ['TEXT', name], { TextValue: lines(words), ...below })]
  return codes.map((code) =>
    item('CONTAINS', ['CODE', name], { ConceptCodeSequence: [coded(code)], ...below }),
  )
}

/** Where each word that was chosen has a code; else none. */
function answersIn({ options }: FieldCoding, said: string): Code[] {
  const codeOf = (word: string) => (Object.hasOwn(options, word) ? options[word] : undefined)
  const whole = codeOf(said)
  if (whole) return [whole]
  const codes = said.split(', ').map(codeOf)
  return codes.every((code) => code !== undefined) ? codes : []
}

/** A template may say what a field means in several terms; the first names it. */
const FURTHER_TERM: Code = {
  value: 'FURTHER-TERM',
  scheme: LOCAL_SCHEME,
  meaning: 'Further term of the field',
}

function addedBy({ by, at }: { by: ReportPerson; at: Date }, zone: string): Dataset[] {
  return [
    item('HAS OBS CONTEXT', ['PNAME', dcm('121008', 'Person Observer Name')], { PersonName: personName(by) }),
    item('HAS OBS CONTEXT', ['DATETIME', dcm('121135', 'Observation DateTime')], {
      DateTime: instantIn(at, zone).dateTime,
    }),
  ]
}

// TID 2000 is extensible: what was signed can be told from what is kept here.
function contentHash({ contentHash: hash }: ReportObject): Dataset {
  const name = { value: 'CONTENT-SHA256', scheme: LOCAL_SCHEME, meaning: 'SHA-256 of the signed content' }
  return item('CONTAINS', ['TEXT', name], { TextValue: hash })
}
