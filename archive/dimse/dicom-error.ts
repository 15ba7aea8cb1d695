/** What goes wrong between DICOM peers and in DICOM data: one class, closed codes, no patient data. */

export type DicomErrorCode =
  | 'association-aborted'
  | 'association-rejected'
  | 'connection-lost'
  | 'dataset-malformed'
  | 'dataset-too-deep'
  | 'dataset-too-large'
  | 'dataset-truncated'
  | 'invalid-uid'
  | 'message-malformed'
  | 'no-presentation-context'
  | 'not-part-10'
  | 'not-representable'
  | 'pdu-malformed'
  | 'pdu-too-long'
  | 'pdu-unexpected'
  | 'peer-too-slow'
  | 'status'
  | 'unknown-keyword'
  | 'unsupported-transfer-syntax'

export type DicomErrorRefs = Record<string, string | number | undefined>

/** `refs` hold what to find the case by: tags, UIDs, addresses, counts; never a value of a patient's attribute. */
export class DicomError extends Error {
  override readonly name = 'DicomError'
  readonly code: DicomErrorCode
  readonly refs: DicomErrorRefs

  constructor(code: DicomErrorCode, refs: DicomErrorRefs = {}, cause?: unknown) {
    const said = Object.entries(refs).filter(([, value]) => value !== undefined)
    super([code, ...said.map(([key, value]) => `${key}=${value}`)].join(' '), { cause })
    this.code = code
    this.refs = refs
  }
}

export function isDicomError(error: unknown, code?: DicomErrorCode): error is DicomError {
  return error instanceof DicomError && (code === undefined || error.code === code)
}
