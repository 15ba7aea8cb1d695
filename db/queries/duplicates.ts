/** Two objects under one SOP Instance UID, for whoever says which is right: in what they differ, and whose exam it is about. */
import type { AnySql } from '../client.ts'

/** `pixels`: nothing that their headers say. */
export type DiffersIn = 'patient' | 'study' | 'series' | 'image' | 'pixels'

export interface Duplicate {
  exceptionId: string
  differsIn: DiffersIn[]
  /** Of the study that the filed one is in; null: no order asked for it. */
  orderId: string | null
}

const PARTS: readonly DiffersIn[] = ['patient', 'study', 'series', 'image', 'pixels']

// PS3.3 C.7.2 and C.7.3: what else the headers of one image say is of the image.
const STUDY = ['00080020', '00080030', '00080050', '00080090', '00081030', '0020000D', '00200010']
const SERIES = [
  '00080021',
  '00080031',
  '00080060',
  '0008103E',
  '00180015',
  '0020000E',
  '00200011',
  '00400275',
]

/** The newest of those kept aside of each exception against the one that is filed. */
export async function duplicatesOf(sql: AnySql, exceptionIds: readonly string[]): Promise<Duplicate[]> {
  const rows = await sql<{ exceptionId: string; orderId: string | null; parts: DiffersIn[] }[]>`
    select q.exception_id as "exceptionId", (select min(order_id) from study_links
        where study_id = i.study_id and undone_at is null) as "orderId",
      array(select distinct case when coalesce(a.key, b.key) like '0010%' then 'patient'
          when coalesce(a.key, b.key) = any(${STUDY}) then 'study'
          when coalesce(a.key, b.key) = any(${SERIES}) then 'series' else 'image' end
        from jsonb_each(i.attributes) a full join jsonb_each(q.object->'header') b on b.key = a.key
        where a.value is distinct from b.value) as parts
    from (select distinct on (exception_id) exception_id, sop_instance_uid, object from quarantine
      where exception_id = any(${exceptionIds as string[]}) and decision is null and object is not null
      order by exception_id, received_at desc, id desc) q
    join instances i on i.sop_instance_uid = q.sop_instance_uid`
  return rows.map(({ parts, ...row }) => ({
    ...row,
    differsIn: parts.length === 0 ? ['pixels'] : PARTS.filter((part) => parts.includes(part)),
  }))
}
