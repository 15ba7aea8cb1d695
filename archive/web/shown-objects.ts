/** Objects that are asked for one by one, frame by frame: kept by series, for as long as the series stands as it was read. */
import type { AnySql } from '#db/client.ts'
import { Gathered, STANDS_FOR_MS } from '#db/gathered.ts'
import {
  type Place,
  type SeriesStamp,
  type StoredObject,
  seriesAddress,
  seriesStamps,
  shownObjects,
} from '#db/queries/stored-objects.ts'
import { isInScope, type StudyScope } from '#db/queries/study-scope.ts'
import { Recent } from './recent.ts'

type Objects = ReadonlyMap<string, StoredObject>

interface KeptSeries {
  rev: number
  until: number
  size: number
  objects: Promise<Objects>
}

/** About a kilobyte each. */
const MOST_OBJECTS = 20_000
/** Of a longer series only the object asked for is read. */
const LONGEST_SERIES = 2_000
/** Should a revision ever be missed, this ends it. */
const LONGEST_MS = 10_000

export class ShownObjects {
  readonly #sql: AnySql
  readonly #stamps: Gathered<SeriesStamp>
  readonly #kept = new Recent<KeptSeries>({ most: MOST_OBJECTS, weigh: ({ size }) => 1 + size })

  constructor(sql: AnySql) {
    this.#sql = sql
    this.#stamps = new Gathered((addresses) => seriesStamps(sql, addresses), { standsForMs: STANDS_FOR_MS })
  }

  /** The object at a place, as the regular view shows it; null when there is none or it may not be seen. */
  async at(scope: StudyScope, { studyUid, seriesUid, sopInstanceUid }: Place): Promise<StoredObject | null> {
    if (seriesUid === undefined || sopInstanceUid === undefined) return null
    const stamp = await this.#stamps.get(seriesAddress(studyUid, seriesUid))
    if (!stamp || !isInScope(scope, stamp)) return null
    const objects =
      stamp.shown > LONGEST_SERIES
        ? await shownObjects(this.#sql, { seriesId: stamp.id, sopInstanceUid })
        : await this.#series(stamp)
    const object = objects.get(sopInstanceUid)
    return object && !(object.isReport && scope.view?.hidesReports) ? object : null
  }

  /** What this process has changed itself is seen by the very next request. */
  forget(): void {
    this.#stamps.forget()
  }

  #series({ id, rev, shown }: SeriesStamp): Promise<Objects> {
    const now = performance.now()
    const kept = this.#kept.get(id)
    if (kept?.rev === rev && kept.until > now) return kept.objects
    const objects = shownObjects(this.#sql, { seriesId: id })
    this.#kept.set(id, { rev, until: now + LONGEST_MS, size: shown, objects })
    objects.catch(() => this.#kept.delete(id))
    return objects
  }
}
