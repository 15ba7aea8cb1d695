/** A send of 5,000 objects into a whole department whose archive is killed again and again: what was answered with Success is there. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { findings, sendThroughKills, stormImages } from '#archive/kill-storm.fixture.ts'
import type { Sql } from '#db/client.ts'
import { startDepartment } from '#e2e/department.ts'

const { values: options } = parseArgs({
  options: {
    instances: { type: 'string', default: '5000' },
    kills: { type: 'string', default: '20' },
    associations: { type: 'string', default: '4' },
    kilobytes: { type: 'string', default: '64' },
  },
})
const count = Number(options.instances)
const department = await startDepartment()
try {
  const { dicom, postgres: databaseUrl } = department.endpoints()
  const images = stormImages(count, Number(options.kilobytes) * 1024)
  const began = Date.now()
  const { acknowledged, kills, again } = await sendThroughKills({
    peer: { host: dicom.host, port: dicom.port, callingAe: 'CT1', calledAe: dicom.aeTitle },
    images,
    associations: Number(options.associations),
    kills: Number(options.kills),
    kill: () => department.kill('archive'),
  })
  const seconds = (Date.now() - began) / 1000
  const sql = postgres(databaseUrl, { max: 2 }) as unknown as Sql
  const found = await settled(sql)
  await sql.end()
  const isSound = acknowledged.size === count && found.lost.length + found.halves.length + found.doubled === 0
  process.stdout.write(
    `${acknowledged.size} of ${count} objects answered with Success through ${kills} kills in ${seconds.toFixed(0)} s, ${again} sent again; ` +
      `indexed ${found.indexed}, lost ${found.lost.length}, halves ${found.halves.length}, doubled ${found.doubled}, ` +
      `never acknowledged nor seen ${found.unseen}: ${isSound ? 'sound' : 'NOT SOUND'}\n`,
  )
  if (!isSound) process.exitCode = 1

  // The index follows within a second, and after the last kill with the next start.
  async function settled(sql: Sql) {
    const blobs = join(department.home, 'blobs')
    for (let tries = 0; ; tries++) {
      const now = await findings({ sql, blobs }, images)
      if (now.lost.length === 0 || tries === 30) return now
      await sleep(1_000)
    }
  }
} finally {
  await department.stop()
}
