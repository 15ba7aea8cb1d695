import { expect, test } from 'vitest'
import { bufferSource } from './byte-source.ts'
import { Dataset } from './dataset.ts'
import { extentOf } from './element-count.ts'
import { encodeDataset } from './encode.ts'
import { structureSet } from './structure-set.fixture.ts'
import { EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './transfer-syntax.ts'

const LIMITS = { locateAboveBytes: 64, leaveSequencesAboveBytes: 200 }

const more = (bytes: Buffer, syntax: string, limit: number) =>
  extentOf(bufferSource(bytes), 0, syntax, { most: limit, ...LIMITS }).elements > limit

test.each([EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])(
  'elements and items are counted at every depth, in %s',
  (syntax) => {
    const items = Array.from({ length: 10 }, (_, n) => Dataset.of({ ReferencedSOPInstanceUID: `1.2.${n}` }))
    const bytes = encodeDataset(
      Dataset.of({ Modality: 'CT', ReferencedImageSequence: items, Rows: 4 }),
      syntax,
    )
    // Modality, character set, the sequence, its ten items with an element each, Rows.
    const count = 4 + 20
    expect(more(bytes, syntax, count)).toBe(false)
    expect(more(bytes, syntax, count - 1)).toBe(true)
  },
)

test('fragments count as one each, whatever is in them, and what follows them is read as before', () => {
  const fragments = [Buffer.alloc(0), Buffer.alloc(4000), Buffer.alloc(4000)]
  const dataset = Dataset.of({ Rows: 4 }, []).put({ kind: 'fragments', tag: 0x7fe00010, vr: 'OB', fragments })
  const bytes = Buffer.concat([
    encodeDataset(dataset, EXPLICIT_LITTLE),
    encodeDataset(Dataset.of({ Rows: 4 }, []), EXPLICIT_LITTLE),
  ])
  const count = 1 + 1 + 3 + 1 + 1
  expect(more(bytes, EXPLICIT_LITTLE, count)).toBe(false)
  expect(more(bytes, EXPLICIT_LITTLE, count - 1)).toBe(true)
})

test('a sequence of unknown kind is implicit inside, and explicit goes on behind it', () => {
  const hex =
    '09000110554e0000ffffffff feff00e0ffffffff 0900021002000000 4142 feff0de000000000 feffdde000000000'
  const unknown = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const bytes = Buffer.concat([unknown, encodeDataset(Dataset.of({ Rows: 4 }, []), EXPLICIT_LITTLE)])
  expect(more(bytes, EXPLICIT_LITTLE, 6)).toBe(false)
  expect(more(bytes, EXPLICIT_LITTLE, 5)).toBe(true)
})

test.each(['defined', 'undefined'] as const)(
  'an outermost sequence of %s length that is long enough may be left, and what stands beside it may not',
  (length) => {
    const bytes = structureSet('1.2.3', { count: 10, points: 4, length })
    const { elements, valueBytes, unleft } = extentOf(bufferSource(bytes), 0, EXPLICIT_LITTLE, {
      most: 1000,
      ...LIMITS,
    })
    // Of each outline seven; an item and a sequence around them, and the delimiters of both sequences.
    const delimiters = length === 'undefined' ? 2 : 0
    expect(elements - unleft.elements).toBe(10 * 7 + 2 + delimiters)
    // What locates a value locates it there too: of an outline its kind, its number of points and what it refers to.
    expect(valueBytes - unleft.valueBytes).toBe(10 * (14 + 2 + 12))
  },
)
