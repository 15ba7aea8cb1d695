/** Writes the rejection notes that are owed: real objects of the archive, stored like any that came from outside. */
import { encodeDataset } from '#archive/dimse/encode.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { newUid } from '#archive/dimse/uid.ts'
import type { AnySql } from '#db/client.ts'
import { type RejectionToNote, rejectionsToNote } from '#db/queries/rejections.ts'
import { KEY_OBJECT_SELECTION } from '#domain/rejection-note.ts'
import type { Ingest } from './ingest.ts'
import { noteDataset } from './rejection-note.ts'

const AT_ONCE = 20

export interface NoteWriting {
  sql: AnySql
  ingest: Ingest
  aeTitle: string
}

/** How many were written. A note keeps its UIDs over a crash, so that it is never there twice; the index marks it as written. */
export async function writeNotes({ sql, ingest, aeTitle }: NoteWriting): Promise<number> {
  await nameNotes(sql)
  const owed = await rejectionsToNote(sql, AT_ONCE)
  for (const rejection of owed) await writeNote(ingest, aeTitle, rejection)
  if (owed.length > 0) ingest.flush()
  return owed.length
}

async function nameNotes(sql: AnySql): Promise<void> {
  const nameless = await sql<{ id: string }[]>`
    select id from rejections where noted_at is null and note_uid is null and revoked_at is null and not received
    order by at limit ${AT_ONCE}`
  for (const { id } of nameless)
    await sql`
      update rejections set note_uid = ${newUid()}, note_series_uid = ${newUid()} where id = ${id} and note_uid is null`
}

async function writeNote(ingest: Ingest, aeTitle: string, rejection: RejectionToNote): Promise<void> {
  const coming = await ingest.begin({
    sopClassUid: KEY_OBJECT_SELECTION,
    sopInstanceUid: rejection.noteUid,
    transferSyntaxUid: EXPLICIT_LITTLE,
    sourceAe: aeTitle,
    peer: '',
  })
  coming.write(encodeDataset(noteDataset(rejection), EXPLICIT_LITTLE))
  const fault = await coming.finish()
  if (fault) throw new Error(`a rejection note of ours was set aside: ${fault.reason}`)
}
