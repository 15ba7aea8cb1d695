/** What a published image leaves out or says wrongly, put right as a scanner would have, so that it is a valid instance of its SOP class (PS3.3). */
import { Dataset } from '#archive/dimse/dataset.ts'

/** Changes the image it is given, and answers it. */
export function valid(image: Dataset): Dataset {
  stateSide(image)
  stateRegion(image)
  // Nobody weighs nothing: a console that was told no weight writes 0.
  for (const keyword of ['PatientSize', 'PatientWeight'])
    if (image.number(keyword) === 0) image.delete(keyword)
  // PS3.3 C.7.3.1.1.2: said once, as a code or in words.
  if (image.has('PatientOrientationCodeSequence')) image.delete('PatientPosition')
  return image
}

/** Laterality, type 2C: of the series, unless the image has its own or the part of the body has no side (PS3.3 C.7.3.1). */
function stateSide(image: Dataset): void {
  const bodyPart = image.text('BodyPartExamined')
  const hasNone = image.has('ImageLaterality') || (bodyPart !== undefined && WITHOUT_SIDE.has(bodyPart))
  if (hasNone) image.delete('Laterality')
  else if (!image.has('Laterality')) image.set('Laterality', null)
}

const WITHOUT_SIDE: ReadonlySet<string> = new Set(['ABDOMEN', 'BRAIN', 'CHEST', 'HEAD', 'THORAX'])

/** Anatomic Region Sequence may be empty only where nobody knows the part of the body, and is coded in SCT (PS3.3 C.8.11.2). */
function stateRegion(image: Dataset): void {
  const code = CODED_REGIONS[image.text('BodyPartExamined') ?? '']
  const stated = image.item('AnatomicRegionSequence')
  // SRT was the scheme of the same codes before SCT.
  const isRight = stated !== undefined && stated.text('CodingSchemeDesignator') !== 'SRT'
  if (!code || !image.has('AnatomicRegionSequence') || isRight) return
  image.set('BodyPartExamined', code.bodyPart)
  const region = { CodeValue: code.value, CodingSchemeDesignator: 'SCT', CodeMeaning: code.meaning }
  image.set('AnatomicRegionSequence', [Dataset.of(region)])
}

/** As PS3.16 annex L pairs them. */
const CODED_REGIONS: Readonly<Record<string, { bodyPart: string; value: string; meaning: string }>> = {
  BRAIN: { bodyPart: 'BRAIN', value: '12738006', meaning: 'Brain' },
  CHEST: { bodyPart: 'CHEST', value: '51185008', meaning: 'Chest' },
  THORAX: { bodyPart: 'CHEST', value: '51185008', meaning: 'Chest' },
}
