/** Reading what a receiver answers to a message of ours (HL7 2.5.1 MSA, tables 0008 and 0357). */
import { parseMessage } from './message.ts'

export type Answer = {
  /**
   * `foreign` answers another message, or none by name: not an answer to ours. `malformed` cannot be understood.
   */
  kind: 'acknowledged' | 'error' | 'rejected' | 'foreign' | 'malformed'
  /** MSA-1 as sent. */
  code?: string
  /** MSA-2 as sent: the message a foreign answer belongs to, so that a late one is credited to its own row. */
  controlId?: string
  /** `accept` answers (CA, CE, CR) say that the message was taken, not what became of it. */
  level?: 'accept' | 'application'
  /** ERR-3 or, before 2.5, ERR-1.4, with our reading of where. No values. */
  errors: { code: string; location?: string }[]
  /** The receiver says it already has a message or key like this (205). */
  duplicate: boolean
}

const kinds: Record<string, { kind: Answer['kind']; level: Answer['level'] }> = {
  AA: { kind: 'acknowledged', level: 'application' },
  AE: { kind: 'error', level: 'application' },
  AR: { kind: 'rejected', level: 'application' },
  CA: { kind: 'acknowledged', level: 'accept' },
  CE: { kind: 'error', level: 'accept' },
  CR: { kind: 'rejected', level: 'accept' },
}

/** What these bytes say about our message with this control id. Never throws. */
export function readAnswer(bytes: Uint8Array, controlId: string): Answer {
  const message = parseMessage(bytes)
  const msa = message.first('MSA')
  if (!msa) return { kind: 'malformed', errors: [], duplicate: false }
  const code = msa.value(1)?.toUpperCase()
  const answered = msa.value(2)
  const errors = message.all('ERR').flatMap(readError)
  const common = {
    code,
    controlId: answered,
    errors,
    duplicate: errors.some((error) => error.code === '205'),
  }
  // An answer that names nobody may belong to anybody: it is kept waiting for, like an answer to another message.
  if (answered !== controlId) return { kind: 'foreign', ...common }
  const meaning = kinds[code ?? '']
  return meaning ? { ...meaning, ...common } : { kind: 'malformed', ...common }
}

type ErrSegment = ReturnType<ReturnType<typeof parseMessage>['all']>[number]

function readError(err: ErrSegment): Answer['errors'] {
  const code = err.value('3.1')
  if (code) {
    const location = [err.value('2.1'), err.value('2.3')].filter(Boolean).join('-')
    return [{ code, location: location || undefined }]
  }
  return Array.from({ length: err.repetitions(1) }, (_, index) => ({
    code: err.value(`1[${index + 1}].4`) ?? '',
    location:
      [err.value(`1[${index + 1}].1`), err.value(`1[${index + 1}].3`)].filter(Boolean).join('-') || undefined,
  }))
}
