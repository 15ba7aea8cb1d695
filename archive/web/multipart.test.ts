import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { multipartRelated, readMultipart } from './multipart.ts'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function partsOf(body: AsyncIterable<Uint8Array>, type: string) {
  const parts: { type: string | undefined; bytes: Buffer }[] = []
  for await (const part of readMultipart(body, type)) {
    const chunks: Uint8Array[] = []
    for await (const chunk of part.bytes) chunks.push(chunk)
    parts.push({ type: part.headers.get('content-type'), bytes: Buffer.concat(chunks) })
  }
  return parts
}

test('objects come out of a multipart body as they went in, however the network cuts it', async () => {
  const objects = [
    randomBytes(5000),
    Buffer.from('\r\n--not the boundary\r\n'),
    Buffer.alloc(0),
    randomBytes(70_000),
  ]
  const { contentType, body } = multipartRelated(
    'application/dicom',
    objects.map((bytes) => ({ contentType: 'application/dicom', body: [bytes] })),
  )
  const bytes = Buffer.concat(body as Uint8Array[])
  for (const size of [1, 7, 64, 1000, bytes.length]) {
    const parts = await partsOf(inChunks(bytes, size), contentType)
    expect(parts.map((part) => part.bytes.equals(objects[parts.indexOf(part)]!))).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(parts.every((part) => part.type === 'application/dicom')).toBe(true)
  }
})

test('a preamble, a quoted boundary and a part without headers are read', async () => {
  const text =
    'words for old mail readers\r\n--a b\r\n\r\nbare\r\n--a b\r\nContent-Type: x/y\r\n\r\n1\r\n2\r\n--a b--\r\ntail'
  const parts = await partsOf(inChunks(Buffer.from(text), 3), 'multipart/related; type="x/y"; boundary="a b"')
  expect(parts).toEqual([
    { type: undefined, bytes: Buffer.from('bare') },
    { type: 'x/y', bytes: Buffer.from('1\r\n2') },
  ])
})

test('a body that stops before its last boundary is refused', async () => {
  const cut = Buffer.from('--b\r\nContent-Type: x/y\r\n\r\nhalf an obj')
  await expect(partsOf(inChunks(cut, 5), 'multipart/related; boundary=b')).rejects.toMatchObject({
    status: 400,
  })
  await expect(partsOf(inChunks(cut, 5), 'multipart/related')).rejects.toMatchObject({ status: 400 })
})

test('a skipped part does not keep the next one from being read', async () => {
  const { contentType, body } = multipartRelated('x/y', [
    { contentType: 'x/y', body: [Buffer.from('first')] },
    { contentType: 'x/z', body: [Buffer.from('second')] },
  ])
  const types: (string | undefined)[] = []
  for await (const part of readMultipart(inChunks(Buffer.concat(body as Uint8Array[]), 11), contentType))
    types.push(part.headers.get('content-type'))
  expect(types).toEqual(['x/y', 'x/z'])
})
