import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import {
  madeFile,
  program,
  type Served,
  sendFile,
  serve,
  type TestArchive,
  testArchive,
} from './archive.fixture.ts'

let archive: TestArchive
let served: Served

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  served = await serve(archive, () => program)
})

afterAll(async () => {
  served.close()
  await archive.close()
})

/** The address of a document that says this of itself. */
async function documentOf(mediaType: string, number: number): Promise<string> {
  const uid = `2.25.${number}`
  const file = madeFile({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.104.1',
    SOPInstanceUID: `${uid}.2`,
    StudyInstanceUID: uid,
    SeriesInstanceUID: `${uid}.1`,
    MIMETypeOfEncapsulatedDocument: mediaType,
    EncapsulatedDocument: Buffer.from('<script>alert(document.cookie)</script>'),
  })
  expect((await sendFile(served, file)).status).toBe(200)
  return `${served.url}/studies/${uid}/series/${uid}.1/instances/${uid}.2`
}

test('[DW-06] a document that is a page runs nothing under our address, and PDF is shown', async () => {
  for (const [number, [stated, given, policy]] of (
    [
      ['text/html', 'text/html', "default-src 'none'; sandbox"],
      ['image/svg+xml', 'image/svg+xml', "default-src 'none'; sandbox"],
      ['application/pdf', 'application/pdf', null],
      ['Application/PDF ; version=1', 'application/pdf', null],
    ] as const
  ).entries()) {
    const address = await documentOf(stated, number + 1)
    for (const path of ['/rendered', '/bulkdata/00420011']) {
      const { status, headers } = await fetch(`${address}${path}`)
      expect([
        stated,
        path,
        status,
        headers.get('content-type'),
        headers.get('content-security-policy'),
      ]).toEqual([stated, path, 200, given, policy])
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  }
})

test('[DW-02] a document whose media type is none is bytes', async () => {
  for (const [number, stated] of ['text/html\r\nX-Evil: 1', 'h\u00e4\u00dflich/x', 'not a type'].entries()) {
    const response = await fetch(`${await documentOf(stated, number + 11)}/rendered`)
    expect([stated, response.status, response.headers.get('content-type')]).toEqual([
      stated,
      200,
      'application/octet-stream',
    ])
    expect(response.headers.get('x-evil')).toBe(null)
  }
})
