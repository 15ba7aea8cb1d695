/**
 * Parts of all studies, each with an index in its own order: the newest of each are found and put in order together, be a
 * part large, small or without a study for years. How many studies it has no statistics say well enough.
 */
import type { AnySql } from '../client.ts'
import { hasAny, hasWildcard, isNarrowing, type Level, type Match } from './matching-keys.ts'
import type { Fragment, StudyScope } from './study-scope.ts'
import { isRegular } from './visibility.ts'

export interface Parts {
  /** What has to stand before the page. */
  made: Fragment
  /** The parts, as `k`. */
  from: Fragment
  /** Whether a study (`s`) is of the part. */
  of: Fragment
  /** Which of the parts are searched. */
  wanted: Fragment
  /** Keys that are still to be matched on within a part. */
  matches: readonly Match[]
}

interface Asked {
  level: Level
  scope: StudyScope
  matches: readonly Match[]
  manyValues?: boolean
  emptyValues?: boolean
}

/** The parts that a search is best made in; null when an index of a key serves it better, or one of all studies. */
export function partsOf(sql: AnySql, asked: Asked): Parts | null {
  if (asked.scope.studies !== null || asked.manyValues || asked.emptyValues) return null
  return kindsAsked(sql, asked) ?? sitesAsked(sql, asked)
}

const MODALITY = '00080060'
const MODALITIES_IN_STUDY = '00080061'
const STUDY_DATE = '00080020'
const STUDY_TIME = '00080030'
const MOMENT = new Set([STUDY_DATE, STUDY_TIME])
const KIND = new Set([MODALITY, MODALITIES_IN_STUDY])

/**
 * For a search by modality and date alone its sets of modalities. A study says in its set what its series are, of what
 * everybody sees.
 */
function kindsAsked(sql: AnySql, { level, scope, matches }: Asked): Parts | null {
  const narrowing = matches.filter(isNarrowing)
  if (narrowing.some(({ tag }) => !MOMENT.has(tag) && !KIND.has(tag))) return null
  // Rejected images that are shown may be of another modality than what everybody sees.
  if (!isRegular(scope.view)) return null
  const wanted = narrowing.flatMap(({ tag, value }) => {
    if (tag === MODALITIES_IN_STUDY) return [hasAny(sql, sql`k.modalities`, value)]
    const isOfSeries = tag === MODALITY && level !== 'study' && !hasWildcard(value)
    return isOfSeries ? [sql`k.modalities && ${[value]}`] : []
  })
  if (wanted.length === 0) return null
  return {
    made: sql`${everyKind(sql)},`,
    from: sql`kinds k`,
    of: sql`s.modalities = k.modalities`,
    wanted: wanted.reduce((so, one) => sql`${so} and ${one}`),
    // To ask each set for its modalities again would only make it look rarer than it is.
    matches: matches.filter(({ tag }) => tag !== MODALITIES_IN_STUDY),
  }
}

// Each is found behind the one before it, without reading what lies between.
function everyKind(sql: AnySql): Fragment {
  return sql`kinds as (
    (select modalities from studies order by modalities limit 1)
    union all
    select (select next.modalities from studies next where next.modalities > k.modalities order by next.modalities limit 1)
    from kinds k where k.modalities is not null)`
}

/** For a requestor of several sites who searches by date alone, or for everything: the sites. */
function sitesAsked(sql: AnySql, { scope, matches }: Asked): Parts | null {
  if (scope.sites === null || scope.sites.length < 2) return null
  if (matches.filter(isNarrowing).some(({ tag }) => !MOMENT.has(tag))) return null
  return {
    made: sql``,
    from: sql`(select distinct site_id from unnest(${scope.sites as string[]}::text[]) site_id) k`,
    of: sql`s.site_id = k.site_id`,
    wanted: sql`true`,
    matches,
  }
}
