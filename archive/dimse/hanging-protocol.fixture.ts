/** A Hanging Protocol as another viewer writes it (PS3.3 section C.23): exam on the left, its prior on the right. */
import { Dataset } from './dataset.ts'
import { encodeDataset } from './encode.ts'
import { encodeFileMeta } from './part10.ts'
import { HANGING_PROTOCOL_STORAGE } from './sop-class.ts'
import { EXPLICIT_LITTLE } from './transfer-syntax.ts'
import { newUid } from './uid.ts'

interface ProtocolMore {
  sopClassUid?: string
  sopInstanceUid?: string
  name?: string
  /** Without them it shows nothing. */
  hasBoxes?: boolean
}

/** A whole file. */
export function protocolFile({
  sopClassUid = HANGING_PROTOCOL_STORAGE,
  sopInstanceUid = newUid(),
  name = 'COMPARE',
  hasBoxes = true,
}: ProtocolMore = {}): Buffer {
  const box = (position: number[]) => [
    Dataset.of({
      ImageBoxNumber: 1,
      DisplayEnvironmentSpatialPosition: position,
      ImageBoxLayoutType: 'STACK',
    }),
  ]
  const shown = (imageSet: number, position: number[]) =>
    Dataset.of({
      ...{ DisplaySetNumber: imageSet, DisplaySetPresentationGroup: 1, ImageSetNumber: imageSet },
      ...{ ImageBoxesSequence: box(position), ShowGrayscaleInverted: 'YES' },
    })
  const series = Dataset.of({
    ...{ ImageSetSelectorUsageFlag: 'MATCH', SelectorAttribute: 0x0008103e, SelectorAttributeVR: 'LO' },
    ...{ SelectorLOValue: 'AXIAL', SelectorValueNumber: 1 },
  })
  const timed = [
    { ImageSetNumber: 1, ImageSetSelectorCategory: 'RELATIVE_TIME', RelativeTime: [0, 0] },
    { ImageSetNumber: 2, ImageSetSelectorCategory: 'ABSTRACT_PRIOR', AbstractPriorValue: [1, 1] },
  ]
  const dataset = Dataset.of({
    ...{ SOPClassUID: sopClassUid, SOPInstanceUID: sopInstanceUid, HangingProtocolName: name },
    HangingProtocolDescription: 'CT mit Voraufnahme, größer',
    HangingProtocolDefinitionSequence: [Dataset.of({ Modality: 'CT' })],
    ...{ NumberOfPriorsReferenced: 1, NumberOfScreens: 2 },
    ImageSetsSequence: [
      Dataset.of({
        ImageSetSelectorSequence: [series],
        TimeBasedImageSetsSequence: timed.map((one) => Dataset.of(one)),
      }),
    ],
    ...(hasBoxes ? { DisplaySetsSequence: [shown(1, [0, 1, 0.5, 0]), shown(2, [0.5, 1, 1, 0])] } : {}),
  })
  const meta = encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid: EXPLICIT_LITTLE })
  return Buffer.concat([meta, encodeDataset(dataset, EXPLICIT_LITTLE)])
}
