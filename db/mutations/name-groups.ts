/** Keys of patient names that were made of the alphabetic group alone, made again of all groups (PS3.5 section 6.2.1.2). */
import { nameKeyOfDicom } from '#domain/identity.ts'
import type { Sql } from '../client.ts'
import { text } from './header-values.ts'
import type { DicomJson } from './studies.ts'

const NAME = 'patient-name-groups'

/**
 * The next studies of the backfill; false when there are no more. Bookkeeping of the index, not an act of anybody. Each
 * study by itself, so that no batch of images waits; safe to run twice and at the same time.
 */
export async function keyNameGroups(sql: Sql, most: number): Promise<boolean> {
  const [backfill] = await sql<{ reached: string; until: string }[]>`
    select reached, until from backfills where name = ${NAME}`
  if (!backfill) return false
  const rows = await sql<{ id: string; header: DicomJson; key: string }[]>`
    select id, jsonb_build_object('00100010', attributes->'00100010') as header, patient_name_key as key from studies
    where id > ${backfill.reached} and id <= ${backfill.until} order by id limit ${most}`
  for (const { id, header, key } of rows) {
    const name = header['00100010'] ? text(header, '00100010') : ''
    if (!name.includes('=') || nameKeyOfDicom(name) === key) continue
    await sql`
      update studies set dicom_patient_name = ${name}, patient_name_key = ${nameKeyOfDicom(name)} where id = ${id}`
  }
  const reached = rows.at(-1)?.id
  if (reached === undefined) await sql`delete from backfills where name = ${NAME}`
  else await sql`update backfills set reached = ${reached} where name = ${NAME} and reached < ${reached}`
  return reached !== undefined
}
