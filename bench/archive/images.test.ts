/** The benches' images, judged by dciodvfy: figures are for objects such as devices send. */
import { expect, test } from 'vitest'
import { dciodvfy } from '#archive/dciodvfy.fixture.ts'
import { encodeFileMeta } from '#archive/dimse/part10.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { images, type Kind } from './images.ts'

test.each([
  ['ct', 'CTImage'],
  ['mammogram', 'MammographyImageForPresentation'],
  ['multiframe', 'MultiframeGrayscaleWordSCImage'],
] as [Kind, string][])('the %s of the benches is a valid %s', async (kind, iod) => {
  const [image] = images(kind, 1)
  const meta = encodeFileMeta({ ...image!, transferSyntaxUid: EXPLICIT_LITTLE })
  expect(await dciodvfy(Buffer.concat([meta, ...image!.pieces]))).toMatchObject({
    iod,
    errors: [],
    warnings: [],
  })
})
