/** What the rows of a study and its series say: what an object of theirs says (PS3.18 tables 10.6.3-3 and -4). */
import { nameKeyOfDicom } from '#domain/identity.ts'
import { integer, text } from './header-values.ts'
import type { Scope } from './mutate.ts'
import type { DicomJson } from './studies.ts'

export const studyFrom = (header: DicomJson) => {
  const name = text(header, '00100010')
  return {
    dicom_patient_id: text(header, '00100020'),
    dicom_issuer: text(header, '00100021'),
    dicom_patient_name: name,
    patient_name_key: nameKeyOfDicom(name),
    accession: text(header, '00080050'),
    study_date: text(header, '00080020'),
    study_time: text(header, '00080030'),
    study_id: text(header, '00200010'),
    description: text(header, '00081030'),
    referring_physician: text(header, '00080090'),
    attributes: pick(header, studyLevel),
  }
}

export const seriesFrom = (header: DicomJson) => ({
  modality: text(header, '00080060'),
  series_number: integer(header, '00200011'),
  description: text(header, '0008103E'),
  series_date: text(header, '00080021'),
  series_time: text(header, '00080031'),
  body_part: text(header, '00180015'),
  attributes: pick(header, seriesLevel),
})

/**
 * After an object was replaced, withdrawn or brought back: the study and its series say what the first of their objects
 * says that is shown, or what the first of all said while none is. A study that images were moved to keeps what its
 * order says: they speak of another one.
 */
export async function stateAnew({ sql }: Scope, studyId: string): Promise<void> {
  const [first] = await sql<{ header: DicomJson }[]>`
    select i.attributes as header from instances i join studies s on s.id = i.study_id
    where i.study_id = ${studyId} and i.attributes->'0020000D'->'Value'->>0 = s.study_uid
    order by i.rejected_code is not null, i.is_note, i.is_report, i.id limit 1`
  if (!first) return
  const study = studyFrom(first.header)
  await sql`
    update studies set ${sql({ ...study, attributes: sql.json(study.attributes as never) } as never)}
    where id = ${studyId}`
  const series = await sql<{ id: string; header: DicomJson }[]>`
    select e.id, i.header from studies s join series e on e.study_id = s.id cross join lateral (
      select attributes as header from instances
      where series_id = e.id and attributes->'0020000D'->'Value'->>0 = s.study_uid
      order by rejected_code is not null, id limit 1) i
    where s.id = ${studyId}`
  for (const { id, header } of series) {
    const said = seriesFrom(header)
    await sql`
      update series set ${sql({ ...said, attributes: sql.json(said.attributes as never) } as never)} where id = ${id}`
  }
}

// What QIDO answers; the rest stays in the instance's own header.
const studyLevel = [
  '00080005',
  '00080020',
  '00080030',
  '00080050',
  '00080051',
  '00080090',
  '00080201',
  '00081030',
  '00100010',
  '00100020',
  '00100021',
  '00100030',
  '00100040',
  '0020000D',
  '00200010',
]
const seriesLevel = [
  '00080005',
  '00080021',
  '00080031',
  '00080060',
  '0008103E',
  '00180015',
  '0020000E',
  '00200011',
  '00200060',
  '00400244',
  '00400245',
  '00400275',
]

function pick(header: DicomJson, tags: readonly string[]): DicomJson {
  return Object.fromEntries(tags.filter((tag) => header[tag]).map((tag) => [tag, header[tag]!]))
}
