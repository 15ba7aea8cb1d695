/** What queries answer of a study, brought in line with what goes out of it once its order or its patient says otherwise. */
import type { Logger } from 'pino'
import { coercionOf, type Json } from '#archive/storage/coercion.ts'
import type { AnySql, Sql } from '#db/client.ts'
import {
  type Describing,
  describing,
  type GoingOut,
  leaveToState,
  seriesFrom,
  stateAsItGoesOut,
  studiesToState,
  studyFrom,
  takeToState,
} from '#db/mutations/stated.ts'
import { type Correction, correctionsOf } from '#db/queries/corrections.ts'

const AT_ONCE = 200
/** While objects come in: what just changed is stated, what an older release left can wait. */
const AT_ONCE_BUSY = 20

export interface Stating {
  sql: Sql
  log: Logger
  isBusy?: boolean
}

/** How many were looked at. One that cannot be stated keeps none of the others waiting. */
export async function stateStudies({ sql, log, isBusy = false }: Stating): Promise<number> {
  const waiting = await studiesToState(sql, isBusy ? AT_ONCE_BUSY : AT_ONCE)
  for (const one of waiting)
    try {
      await sql.begin(async (transaction) => {
        await takeToState(transaction, one)
        const goingOut = await asItGoesOut(transaction, one.studyId)
        if (goingOut) await stateAsItGoesOut(transaction, goingOut)
      })
    } catch (error) {
      log.error(
        { err: error, studyId: one.studyId },
        'queries answer of a study what its objects say; it is tried again',
      )
      await leaveToState(sql, one)
    }
  return waiting.length
}

async function asItGoesOut(sql: AnySql, studyId: string): Promise<GoingOut | null> {
  const { study, series, isOwn } = await describing(sql, studyId)
  const [row] = await sql<{ uid: string }[]>`select study_uid as uid from studies where id = ${studyId}`
  if (!study || !row) return null
  const correction = (await correctionsOf(sql, [row.uid])).get(row.uid)
  // Of images that were moved here only their order knows what they are.
  if (!isOwn && !correction) return null
  const header = corrected(study, correction)
  return {
    studyId,
    study: studyFrom(header),
    // What was moved here was never said of this study.
    said: isOwn ? saidOtherwise(study.header, header) : null,
    series: series.map((one) => ({ id: one.id, says: seriesFrom(corrected(one, correction)) })),
  }
}

function corrected({ header, sourceAe }: Describing, correction: Correction | undefined): Json {
  return { ...header, ...coercionOf({ header, sourceAe }, correction)?.attributes }
}

function saidOtherwise(before: Json, after: Json): GoingOut['said'] {
  const [was, is] = [studyFrom(before), studyFrom(after)]
  const isSame =
    was.dicom_patient_id === is.dicom_patient_id &&
    was.dicom_issuer === is.dicom_issuer &&
    was.accession === is.accession
  return isSame
    ? null
    : { patientId: was.dicom_patient_id, issuer: was.dicom_issuer, accession: was.accession }
}
