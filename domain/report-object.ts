/** A released report version as objects of its study: a Basic Text SR (PS3.16 TID 2000) and an Encapsulated PDF (PS3.3 A.45.1). */
import type { ReportVersionKind } from './words.ts'

/** Basic Text SR Storage and Encapsulated PDF Storage (PS3.4 B.5). */
export const REPORT_OBJECT_CLASSES = {
  sr: '1.2.840.10008.5.1.4.1.1.88.11',
  pdf: '1.2.840.10008.5.1.4.1.1.104.1',
} as const

export type ReportObjectKind = keyof typeof REPORT_OBJECT_CLASSES

export interface Code {
  value: string
  scheme: string
  meaning: string
}

/** PS3.16 CID 7000, Diagnostic Imaging Report Document Title. */
export const REPORT_TITLE: Code = { value: '18748-4', scheme: 'LN', meaning: 'Diagnostic Imaging Report' }

/** Ours, where the standard has no code (PS3.3 section 8.2). */
export const LOCAL_SCHEME = '99ISOCENTER'

export interface SectionCodes {
  /** PS3.16 CID 7001, Diagnostic Imaging Report Heading. */
  heading: Code
  /** PS3.16 CID 7002, Diagnostic Imaging Report Element. */
  element: Code
}

/** How a section of a report is coded; one that the department named itself by its own name. */
export function sectionCodes(key: string): SectionCodes {
  const known = SECTIONS[key]
  if (known) return known
  const own = { value: key.slice(0, 16), scheme: LOCAL_SCHEME, meaning: key.slice(0, 64) }
  return { heading: own, element: own }
}

const loinc = (value: string, meaning: string): Code => ({ value, scheme: 'LN', meaning })
const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning })

const SECTIONS: Readonly<Record<string, SectionCodes>> = {
  indication: {
    heading: loinc('18785-6', 'Indications for Procedure'),
    element: loinc('18785-6', 'Indications for Procedure'),
  },
  history: { heading: loinc('11329-0', 'History'), element: loinc('11329-0', 'History') },
  technique: {
    heading: loinc('55111-9', 'Current Procedure Descriptions'),
    element: dcm('121065', 'Procedure Description'),
  },
  comparison: { heading: loinc('18834-2', 'Previous Findings'), element: dcm('121069', 'Previous Finding') },
  findings: { heading: loinc('59776-5', 'Findings'), element: dcm('121071', 'Finding') },
  impression: { heading: loinc('19005-8', 'Impressions'), element: dcm('121073', 'Impression') },
  recommendation: { heading: loinc('18783-1', 'Recommendations'), element: dcm('121075', 'Recommendation') },
  communication: {
    heading: loinc('73568-8', 'Communication of Critical Results'),
    element: dcm('121071', 'Finding'),
  },
  addendum: { heading: loinc('55107-7', 'Addendum'), element: dcm('121071', 'Finding') },
}

/** Signed by a radiologist who answers for it (Verification Flag, PS3.3 C.17.2). */
export function isVerified(kind: ReportVersionKind): boolean {
  return kind === 'final' || kind === 'addendum' || kind === 'correction'
}
