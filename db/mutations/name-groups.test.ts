import { expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { connect } from '../client.ts'
import { search } from '../queries/dicomweb.ts'
import { keyNameGroups } from './name-groups.ts'

test('[DW-01] a study of before is found by the ideographic and the phonetic group of its name once its key is made again', async () => {
  const sql = connect(await emptyDatabase(), { name: 'name-groups', max: 1 })
  await sql`insert into sites (id, name, zone) values ('MAIN', 'Main', 'Europe/Berlin')`
  const yamada = { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' }
  const studies = [
    ['S1', { Alphabetic: 'Doe^Jane' }, 'Doe^Jane', 'DOE^JANE'],
    ['S2', yamada, 'Yamada^Tarou', 'YAMADA^TAROU'],
    ['S3', null, '', ''],
    ['S4', yamada, 'Yamada^Tarou', 'YAMADA^TAROU'],
  ] as const
  for (const [id, value, name, key] of studies)
    await sql`
      insert into studies (id, study_uid, site_id, dicom_patient_name, patient_name_key, attributes, instance_count)
      values (${id}, ${`1.${id.slice(1)}`}, 'MAIN', ${name}, ${key},
        ${sql.json(value ? { '00100010': { vr: 'PN', Value: [value] } } : {})}, 1)`
  // The last study came after the migration: it is none of its business.
  await sql`insert into backfills (name, until) values ('patient-name-groups', 'S3')`
  const found = async (value: string) => {
    const asked = { level: 'study' as const, scope: { studies: null, sites: null }, limit: 10, offset: 0 }
    const hits = await search(sql, { ...asked, matches: [{ tag: '00100010', value }] })
    return hits.map(({ study }) => [study.id, study.patientName])
  }
  expect(await found('山田*')).toEqual([])
  const turns: boolean[] = []
  do turns.push(await keyNameGroups(sql, 2))
  while (turns.at(-1))
  expect(turns).toEqual([true, true, false])
  const whole = 'Yamada^Tarou=山田^太郎=やまだ^たろう'
  expect(await found('山田*')).toEqual([['S2', whole]])
  expect(await found('==やまだ*')).toEqual([['S2', whole]])
  expect(await found('doe*')).toEqual([['S1', 'Doe^Jane']])
  expect(await sql`select name from backfills`).toEqual([])
  await sql.end()
})
