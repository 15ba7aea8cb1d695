/** What was filed under another study's series, when a device used its UID again, gets a series of its own study. */
import { expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { connect } from './client.ts'
import { migrate } from './migrate.ts'

test('[AR-06] the migration parts a series that two studies were filed under, and counts both again', async () => {
  const url = await emptyDatabase()
  const sql = connect(url, { name: 'series-of-their-study', max: 1 })
  // As the release before had it.
  await sql`drop index series_of_study, series_uid`
  await sql`create index series_study on series (study_id)`
  await sql`alter table series add constraint series_series_uid_key unique (series_uid)`
  await sql`delete from migrations where name = '0014_series_of_their_study.sql'`
  await sql`insert into sites (id, name, zone) values ('MAIN', 'Main', 'Europe/Berlin')`
  await sql`
    insert into studies (id, study_uid, site_id, series_count, instance_count)
    values ('S1', '1.1', 'MAIN', 1, 1), ('S2', '1.2', 'MAIN', 0, 1)`
  await sql`
    insert into series (id, study_id, series_uid, modality, description, instance_count)
    values ('E1', 'S1', '1.9', 'CT', 'of the first study', 1)`
  const header = {
    '0008103E': { vr: 'LO', Value: ['of the second'] },
    '00080060': { vr: 'CS', Value: ['MR'] },
  }
  await sql`
    insert into instances (id, sop_instance_uid, sop_class_uid, series_id, study_id, transfer_syntax_uid, blob, bytes,
      dataset_offset, sha256, stored_at, attributes)
    values ('I1', '1.3', '1.2', 'E1', 'S1', '1.2', 'a', 1, 1, '', now(), '{}'),
      ('I2', '1.4', '1.2', 'E1', 'S2', '1.2', 'b', 1, 1, '', now(), ${sql.json(header)})`
  expect(await migrate(url)).toEqual(['0014_series_of_their_study.sql'])
  const rows = await sql`
    select s.id as study, s.series_count as series, s.modalities, e.series_uid as uid, e.description, e.instance_count as images, i.id as image
    from studies s join series e on e.study_id = s.id join instances i on i.series_id = e.id order by s.id`
  expect(rows).toEqual([
    {
      study: 'S1',
      series: 1,
      modalities: ['CT'],
      uid: '1.9',
      description: 'of the first study',
      images: 1,
      image: 'I1',
    },
    {
      study: 'S2',
      series: 1,
      modalities: ['MR'],
      uid: '1.9',
      description: 'of the second',
      images: 1,
      image: 'I2',
    },
  ])
  await sql.end()
})
