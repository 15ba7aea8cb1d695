/** What was found wrong or odd in a message: a code and a place, never a value, since values are patient data. */

/** HL7 table 0357, the part we answer with. */
export const errorTexts = {
  '100': 'Segment sequence error',
  '101': 'Required field missing',
  '102': 'Data type error',
  '103': 'Table value not found',
  '200': 'Unsupported message type',
  '201': 'Unsupported event code',
  '202': 'Unsupported processing id',
  '203': 'Unsupported version id',
  '204': 'Unknown key identifier',
  '205': 'Duplicate key identifier',
  '206': 'Application record locked',
  '207': 'Application internal error',
} as const
export type ErrorCode = keyof typeof errorTexts

/** ERL: segment, its occurrence, field, repetition, component. */
export type Location = {
  segment: string
  occurrence?: number
  field?: number
  repetition?: number
  component?: number
}

export type Finding = {
  /** ERR-3, table 0357. */
  code0357: ErrorCode
  location?: Location
  /** ERR-5: our own code, from the department's closed list of refusals where one fits. */
  ourCode: string
  /** ERR-8: one sentence for people, without patient data. */
  sentence: string
}

/** Worth telling, no reason to refuse. `location` is written `PID-5`. */
export type Warning = { code: string; location: string }
