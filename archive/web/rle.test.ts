import { expect, test } from 'vitest'
import { decodeRle } from './rle.ts'

test('a frame of sixteen bits comes back with its bytes in place', () => {
  // Two segments, most significant bytes first: a run of four 01s; then three literal bytes and one run of 0A.
  const high = Buffer.from([0xfd, 0x01, 0x80])
  const low = Buffer.from([0x02, 0x05, 0x06, 0x07, 0x00, 0x0a])
  const header = Buffer.alloc(64)
  header.writeUInt32LE(2, 0)
  header.writeUInt32LE(64, 4)
  header.writeUInt32LE(64 + high.length, 8)
  const native = decodeRle(Buffer.concat([header, high, low]), {
    rows: 2,
    columns: 2,
    samples: 1,
    bytesPerSample: 2,
  })
  expect([0, 1, 2, 3].map((n) => native.readUInt16LE(n * 2))).toEqual([0x0105, 0x0106, 0x0107, 0x010a])
})

test('a frame with the wrong number of segments is refused', () => {
  const header = Buffer.alloc(64)
  header.writeUInt32LE(3, 0)
  expect(() => decodeRle(header, { rows: 1, columns: 1, samples: 1, bytesPerSample: 1 })).toThrow(
    '3 RLE segments',
  )
})
