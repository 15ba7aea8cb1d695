/**
 * An object's header with corrected attributes, spliced into its bytes: every other element, private ones included,
 * goes out as it came in, and what stands behind the last corrected one is not even read.
 */
import { type ByteSource, bufferSource } from '#archive/dimse/byte-source.ts'
import { statedSets } from '#archive/dimse/character-set.ts'
import { Dataset } from '#archive/dimse/dataset.ts'
import { decodeDataset, type Span, spansOf } from '#archive/dimse/decode.ts'
import { isDicomError } from '#archive/dimse/dicom-error.ts'
import { type DicomJson, fromDicomJson } from '#archive/dimse/dicom-json.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { encodingOf } from '#archive/dimse/transfer-syntax.ts'
import { COERCE, type Coercion, modifiedAt } from './coercion.ts'

export interface CoercedHeader {
  /** In place of the stored bytes from the beginning of the data set up to `rest`. */
  header: Buffer
  /** Where in the source the untouched rest begins. */
  rest: number
}

const SPECIFIC_CHARACTER_SET = 0x00080005
const ORIGINAL_ATTRIBUTES = 0x04000561
const AFTER_ORIGINAL_ATTRIBUTES = 0x04000562
const PIXEL_DATA_GROUP = 0x7fe00000
const UTF8 = 'ISO_IR 192'

/**
 * Not for a deflated source: it is inflated first.
 * @throws DicomError when the stored bytes cannot be walked
 */
export function coercedHeader(
  source: ByteSource,
  at: { datasetOffset: number; transferSyntaxUid: string },
  coercion: Coercion,
): CoercedHeader {
  const { datasetOffset: offset, transferSyntaxUid } = at
  const spans = spansOf(source, transferSyntaxUid, { offset, before: AFTER_ORIGINAL_ATTRIBUTES })
  const stated = characterSets(source, spans)
  const rest = spans.at(-1)?.end ?? offset
  // What states no character set holds ASCII, which is UTF-8 as it stands: it may be called that where a name needs it.
  const wanted =
    attributesIn(coercion, stated) ?? (stated.length === 0 ? attributesIn(coercion, [UTF8]) : null)
  if (wanted === null) return wholeHeader(source, at, coercion)
  // The statement itself stays as it stands.
  if (stated.length > 0) wanted.delete(SPECIFIC_CHARACTER_SET)
  const header = splice({ source, transferSyntaxUid, spans, from: offset }, { wanted, coercion })
  return { header, rest }
}

function characterSets(source: ByteSource, spans: readonly Span[]): string[] {
  const span = spans.find(({ tag }) => tag === SPECIFIC_CHARACTER_SET)
  if (!span) return []
  const terms = statedSets(source.bytes(span.valueAt, span.end - span.valueAt))
  return terms.every((term) => term === '') ? [] : terms
}

/** Null when these character sets lack a letter of it. */
function attributesIn({ attributes }: Coercion, sets: readonly string[]): Dataset | null {
  try {
    return fromDicomJson(attributes as DicomJson).inCharacterSets(sets)
  } catch (error) {
    if (isDicomError(error) && error.code === 'not-representable') return null
    throw error
  }
}

interface Stored {
  source: ByteSource
  transferSyntaxUid: string
  spans: readonly Span[]
  /** Where the first span begins. */
  from: number
}

function splice(
  { source, transferSyntaxUid, spans, from }: Stored,
  { wanted, coercion }: { wanted: Dataset; coercion: Coercion },
): Buffer {
  const put = new Map<number, Buffer>()
  const encode = (dataset: Dataset) => encodeDataset(dataset, transferSyntaxUid)
  for (const element of wanted.inOrder())
    put.set(element.tag, encode(new Dataset(wanted.characterSets).put(element)))
  const record = recordOf({ source, transferSyntaxUid, spans, from }, { wanted, coercion })
  // Put and not set: the items keep their bytes, whatever character set those are in.
  const sequence = { kind: 'sequence', tag: ORIGINAL_ATTRIBUTES, vr: 'SQ', items: record } as const
  put.set(ORIGINAL_ATTRIBUTES, encode(new Dataset(wanted.characterSets).put(sequence)))
  const touched = new Set([...put.keys()].map((tag) => tag >>> 16))
  const pieces: Buffer[] = []
  const waiting = [...put].sort(([a], [b]) => a - b)
  for (const { tag, start, end } of spans) {
    while (waiting.length > 0 && waiting[0]![0] < tag) pieces.push(waiting.shift()![1])
    if (waiting[0]?.[0] === tag) pieces.push(waiting.shift()![1])
    // A group length (PS3.5 section 7.2, retired) would be untrue now.
    else if ((tag & 0xffff) !== 0 || !touched.has(tag >>> 16)) pieces.push(source.bytes(start, end - start))
  }
  return Buffer.concat([...pieces, ...waiting.map(([, bytes]) => bytes)])
}

/** The sequence as it was, and one item more: what the object said before. */
function recordOf(
  { source, transferSyntaxUid, spans }: Stored,
  { wanted, coercion }: { wanted: Dataset; coercion: Coercion },
): Dataset[] {
  const tags = wanted.inOrder().map(({ tag }) => tag)
  const original = new Dataset(wanted.characterSets)
  for (const tag of tags) {
    if (tag === SPECIFIC_CHARACTER_SET) continue
    const span = spans.find((one) => one.tag === tag)
    const element = span && elementAt(source, transferSyntaxUid, span)
    if (element) original.put(element)
    else original.set(tag, tag === 0x00400275 ? [] : null)
  }
  const known = spans.find(({ tag }) => tag === ORIGINAL_ATTRIBUTES)
  const before = known ? elementAt(source, transferSyntaxUid, known) : undefined
  const items = before?.kind === 'sequence' ? before.items : []
  return [...items, record(original, coercion)]
}

function elementAt(source: ByteSource, transferSyntaxUid: string, { tag, start, end }: Span) {
  return decodeDataset(source.bytes(start, end - start), transferSyntaxUid).element(tag)
}

function record(original: Dataset, coercion: Coercion): Dataset {
  return new Dataset(original.characterSets)
    .put({ kind: 'sequence', tag: 0x04000550, vr: 'SQ', items: [original] })
    .set('AttributeModificationDateTime', modifiedAt(coercion))
    .set('ModifyingSystem', coercion.system)
    .set('SourceOfPreviousValues', coercion.source)
    .set('ReasonForTheAttributeModification', COERCE)
}

/** Where the object's own character sets lack a letter of the right name: the whole header is written again in UTF-8. */
function wholeHeader(
  source: ByteSource,
  { datasetOffset, transferSyntaxUid }: { datasetOffset: number; transferSyntaxUid: string },
  coercion: Coercion,
): CoercedHeader {
  const bounds = { offset: datasetOffset, before: PIXEL_DATA_GROUP }
  const spans = spansOf(source, transferSyntaxUid, bounds)
  const dataset = decodeDataset(source, transferSyntaxUid, bounds).inCharacterSets([UTF8])
  const whole = encodeDataset(dataset, transferSyntaxUid)
  const inUtf8 = bufferSource(whole)
  const again = coercedHeader(inUtf8, { datasetOffset: 0, transferSyntaxUid }, coercion)
  const header = Buffer.concat([again.header, whole.subarray(again.rest)])
  return { header, rest: spans.at(-1)?.end ?? datasetOffset }
}

/** For a caller that has to know: a deflated data set has no place to splice into. */
export function isDeflated(transferSyntaxUid: string): boolean {
  return encodingOf(transferSyntaxUid).deflated
}
