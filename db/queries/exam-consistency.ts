/** What is known of a report's exam: the patient's sex, the sides asked for and imaged, whether contrast was given. */
import { type ExamFacts, type Side, sidesNamed } from '#domain/report-consistency.ts'
import type { AnySql } from '../client.ts'
import { instanceShown, levelShown } from './visibility.ts'

/** Headers read are at most these: a screen asks for them each time that it is loaded. */
const MOST_SERIES = 60
const MOST_OF_A_SERIES = 16

export async function examConsistency(sql: AnySql, reportId: string): Promise<ExamFacts> {
  const asked = await sql<AskedRow[]>`
    select p.text, p.side, pt.sex
    from report_procedures rp join procedures p on p.id = rp.procedure_id join orders o on o.id = p.order_id
      join patients pt on pt.id = o.patient_id
    where rp.report_id = ${reportId}`
  const images = await imagesOf(sql, reportId)
  const sexes = new Set(asked.map(({ sex }) => sex))
  return {
    sex: sexes.size === 1 ? (asked[0]?.sex ?? null) : null,
    sides: [
      ...new Set([...asked.flatMap(askedSides), ...images.flatMap(({ laterality }) => sidesOf(laterality))]),
    ],
    contrast: contrastOf(images),
  }
}

interface AskedRow {
  text: string
  side: 'left' | 'right' | 'bilateral' | null
  sex: 'M' | 'F' | 'O' | null
}

/** Modifiers are read with the order; who sends none may say the side in the words. */
const askedSides = ({ side, text }: AskedRow): Side[] =>
  side ? ({ left: ['L'], right: ['R'], bilateral: ['L', 'R'] } as const)[side].slice() : sidesNamed(text)

// Enumerated Values R, L, B (both) and U (unpaired): PS3.3 C.7.3.1 and C.8.11.7.
const sidesOf = (laterality: string[]): Side[] =>
  laterality.flatMap((said): Side[] =>
    said === 'B' ? ['L', 'R'] : said === 'L' || said === 'R' ? [said] : [],
  )

interface SeriesRow {
  modality: string
  laterality: string[]
  /** An agent is named that did not only go into the bowel. */
  given: boolean
  /** An agent is named at all. */
  named: boolean
}

/** CT and MR name the agent where there was one (PS3.3 C.7.6.4, type 1C); of other images silence says nothing. */
function contrastOf(images: readonly SeriesRow[]): ExamFacts['contrast'] {
  if (images.some(({ given }) => given)) return 'given'
  const isSilent = images.some(({ named }) => named) || images.length >= MOST_SERIES
  return !isSilent && images.some(({ modality }) => ['CT', 'MR'].includes(modality)) ? 'not-given' : 'unknown'
}

/**
 * The visible series, of each a few headers: Laterality (0020,0060), Image Laterality (0020,0062) or Frame Laterality
 * (0020,9072); Contrast/Bolus Agent (0018,0010) or its sequence (0018,0012), and Contrast/Bolus Route (0018,1040).
 */
async function imagesOf(sql: AnySql, reportId: string): Promise<SeriesRow[]> {
  return sql<SeriesRow[]>`
    select e.modality, h.named, h.given,
      array_remove(h.sides || (e.attributes->'00200060'->'Value'->>0), null) as laterality
    from (
      select e.* from series e where ${levelShown(sql, 'series')} and e.study_id in (
        select l.study_id from report_procedures rp join study_links l on l.procedure_id = rp.procedure_id
        where rp.report_id = ${reportId} and l.undone_at is null)
      order by e.id limit ${MOST_SERIES}) e
    cross join lateral (
      select coalesce(bool_or(agent), false) as named,
        coalesce(bool_or(agent and route !~* 'oral|rectal|^po$'), false) as given,
        array_agg(distinct side) as sides
      from (
        select coalesce(nullif(trim(i.attributes->'00180010'->'Value'->>0), '') is not null
            or jsonb_array_length(i.attributes->'00180012'->'Value') > 0, false) as agent,
          coalesce(i.attributes->'00181040'->'Value'->>0, '') as route,
          coalesce(i.attributes->'00200062'->'Value'->>0,
            i.attributes#>>'{52009229,Value,0,00209071,Value,0,00209072,Value,0}') as side
        from instances i where i.series_id = e.id and ${instanceShown(sql)} limit ${MOST_OF_A_SERIES}) header) h`
}
