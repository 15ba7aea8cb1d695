/** Which instances a view shows: the one predicate behind QIDO, WADO, C-FIND, C-MOVE, C-GET, priors and the viewer (IHE RAD IOCM). */
import type postgres from 'postgres'
import { REPORT_OBJECT_CLASSES } from '#domain/report-object.ts'
import { REJECTION_CODES, type RejectionCode } from '#domain/study-visibility.ts'
import type { AnySql } from '../client.ts'

export interface View {
  /** Rejections that hide nothing from it. */
  seesRejected: readonly RejectionCode[]
  /** Left out: reports stand beside the images. True for those who may see images and no report. */
  hidesReports?: boolean
}

/** Readers, the viewer, programs, and every device that is not set to see more. */
export const REGULAR_VIEW: View = { seesRejected: [] }

/** What has outlived its retention is shown to nobody. */
const HIDDEN_FROM_ALL: RejectionCode = '113039'

/** A device's view, from its row: `policy.seesRejected` is a list of codes (113001, 113037, 113038). */
export function viewOf(policy: { seesRejected?: readonly string[] }): View {
  const asked = policy.seesRejected ?? []
  return {
    seesRejected: REJECTION_CODES.filter((code) => code !== HIDDEN_FROM_ALL && asked.includes(code)),
  }
}

type Fragment = postgres.PendingQuery<postgres.Row[]>

/** Whether an instance is shown; `alias` names a table with the columns of `instances`. */
export function instanceShown(sql: AnySql, view: View = REGULAR_VIEW, alias = 'i'): Fragment {
  const code = sql(`${alias}.rejected_code`)
  const unreported = view.hidesReports ? sql`and not ${isReport(sql, alias)}` : sql``
  if (view.seesRejected.length === 0) return sql`(${code} is null ${unreported})`
  return sql`((${code} is null or ${code} = any(${view.seesRejected as string[]})) ${unreported})`
}

/** A report that was written here; reports of devices, such as those of dose, are none. */
export function isReport(sql: AnySql, alias = 'i'): Fragment {
  return sql`(${sql(`${alias}.is_report`)} and ${sql(`${alias}.sop_class_uid`)} = any(${Object.values(REPORT_OBJECT_CLASSES)}))`
}

/** Whether a series (`e`) or a study (`s`) has an instance that is shown; without one it does not exist. */
export function levelShown(sql: AnySql, level: 'series' | 'study', view: View = REGULAR_VIEW): Fragment {
  const alias = level === 'series' ? 'e' : 's'
  const counted = sql`${sql(`${alias}.instance_count`)} > 0`
  const id = sql(`${alias}.id`)
  if (view.hidesReports && level === 'study')
    return sql`${sql(`${alias}.instance_count`)} > ${sql(`${alias}.report_count`)}`
  if (view.hidesReports)
    return sql`(${counted} and exists (select 1 from instances shown
      where ${sql(`shown.${level}_id`)} = ${id} and ${instanceShown(sql, view, 'shown')}))`
  if (view.seesRejected.length === 0) return counted
  return sql`(${counted} or exists (select 1 from instances shown
    where ${sql(`shown.${level}_id`)} = ${id} and ${instanceShown(sql, view, 'shown')}))`
}

/** Whether the counts and modalities that rows keep are what a view shows. */
export const isRegular = (view: View | undefined): boolean => (view?.seesRejected ?? []).length === 0

/** Modalities, series and instances of a study (`s`) in a view: those kept in its row are of the regular one. */
export function countsShown(
  sql: AnySql,
  view?: View,
): Record<'modalities' | 'series' | 'instances', Fragment> {
  if (isRegular(view))
    return {
      modalities: sql`s.modalities`,
      series: sql`s.series_count`,
      instances: sql`s.instance_count`,
    }
  const counted = sql`from instances shown where shown.study_id = s.id and ${instanceShown(sql, view, 'shown')}`
  return {
    modalities: sql`array(select distinct of.modality from series of where of.study_id = s.id and of.modality <> ''
      and ${seriesCount(sql, view, 'of')} > 0 order by 1)`,
    series: sql`(select count(distinct shown.series_id)::integer ${counted})`,
    instances: sql`(select count(*)::integer ${counted})`,
  }
}

/** Instances of a series in a view. */
export function seriesCount(sql: AnySql, view?: View, alias = 'e'): Fragment {
  if (isRegular(view)) return sql`${sql(`${alias}.instance_count`)}`
  return sql`(select count(*)::integer from instances shown
    where shown.series_id = ${sql(`${alias}.id`)} and ${instanceShown(sql, view, 'shown')})`
}
