/** Rendered resources (PS3.18 8.3.5 and 10.4.1.1.3): what is asked for in the query, and the picture of one frame. */
import type { StoredObject } from '#db/queries/stored-objects.ts'
import { bulkValue } from './bulkdata.ts'
import { isDecodable } from './codecs.ts'
import { WebError } from './exchange.ts'
import type { FrameThreads } from './frame-threads.ts'
import { bytesOf, type FrameDependencies, framesOf } from './frames.ts'
import type { Header } from './header.ts'
import type { PictureType, Viewport } from './picture.ts'
import { pixelShapeOf } from './pixel-shape.ts'
import { presentationOf, type Window, windowShape } from './presentation.ts'
import { isNative } from './transfer-syntax.ts'

export interface RenderDependencies extends FrameDependencies {
  threads: FrameThreads
}

export interface Rendering {
  object: StoredObject
  header: Header
  /** Counted from one. */
  frame: number
  style: Style
  type: PictureType
}

/** What may be asked for of a picture. */
export interface Style {
  window: Window | null
  viewport: Viewport
  quality: number
}

const LARGEST = 16_384
const THUMBNAIL = 256
const QUALITY = 90

/** @throws WebError 400 when a parameter says nothing that can be done */
export function styleOf(query: URLSearchParams, { thumbnail }: { thumbnail: boolean }): Style {
  const quality = query.get('quality')
  if (quality !== null && !/^([1-9]\d?|100)$/.test(quality))
    throw new WebError(400, 'quality is a whole number from 1 to 100')
  return {
    window: thumbnail ? null : windowAsked(query.get('window')),
    viewport: viewportAsked(query.get('viewport'), thumbnail ? THUMBNAIL : LARGEST),
    quality: quality === null ? QUALITY : Number(quality),
  }
}

function windowAsked(text: string | null): Window | null {
  if (text === null) return null
  const [centre = '', width = '', shape] = text.split(',').map((part) => part.trim())
  const isWindow =
    isNumber(centre) &&
    isNumber(width) &&
    /^(linear|linear[-_]exact|sigmoid)?$/i.test(shape ?? '') &&
    // PS3.3 C.11.2.1.3: only LINEAR wants a whole step; floats are windowed within less.
    (/^(linear)?$/i.test(shape ?? '') ? Number(width) >= 1 : Number(width) > 0)
  if (!isWindow) throw new WebError(400, 'window is centre,width,function')
  return { centre: Number(centre), width: Number(width), shape: windowShape(shape) }
}

function viewportAsked(text: string | null, most: number): Viewport {
  if (text === null) return { width: most, height: most, source: null }
  const parts = text.split(',').map((part) => part.trim())
  const [width = '', height = '', left = '', top = '', sourceWidth = '', sourceHeight = ''] = parts
  const isViewport =
    [2, 6].includes(parts.length) &&
    [width, height].every((side) => isNumber(side) && Number(side) >= 1) &&
    [left, top, sourceWidth, sourceHeight].every((part) => part === '' || isNumber(part)) &&
    [sourceWidth, sourceHeight].every((part) => part === '' || Number(part) !== 0)
  if (!isViewport) throw new WebError(400, 'viewport is width,height or width,height,x,y,width,height')
  const source = {
    left: Math.abs(Number(left || 0)),
    top: Math.abs(Number(top || 0)),
    width: Math.abs(Number(sourceWidth || LARGEST)),
    height: Math.abs(Number(sourceHeight || LARGEST)),
    // PS3.18 8.3.5.1.3: a negative width or height turns the picture round.
    isMirrored: sourceWidth.startsWith('-'),
    isUpsideDown: sourceHeight.startsWith('-'),
  }
  return {
    width: Math.min(Number(width), most),
    height: Math.min(Number(height), most),
    source: parts.length === 6 ? source : null,
  }
}

const isNumber = (text: string): boolean => /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text)

/** Whether a frame of it can be shown at all. */
export function isShowable(object: StoredObject, header: Header): boolean {
  const shape = object.hasPixels ? pixelShapeOf(header) : null
  if (!shape) return false
  return isNative(object.transferSyntaxUid) || isDecodable(object.transferSyntaxUid, shape.bitsAllocated)
}

/** @throws WebError 406 when its pixels cannot be shown, 404 without such a frame, 500 when the frame is broken */
export async function render(
  stored: RenderDependencies,
  { object, header, frame, style, type }: Rendering,
): Promise<Uint8Array> {
  const shape = pixelShapeOf(header)
  if (!shape || !object.hasPixels) throw new WebError(406, 'there are no pixels that can be shown here')
  if (!isShowable(object, header))
    throw new WebError(406, `pixels in ${object.transferSyntaxUid} cannot be shown here`)
  const { blobs, threads } = stored
  const [pieces] = await framesOf(stored, object, [frame])
  const readBulk = async (uri: string) => {
    const value = await bulkValue(blobs, object, uri.split('/').slice(1))
    return bytesOf(blobs, value.parts.flat())
  }
  const presentation = await presentationOf({ header, shape, frame, readBulk, window: style.window })
  return threads.run({
    transferSyntaxUid: object.transferSyntaxUid,
    frame: await bytesOf(blobs, pieces!),
    shape,
    picture: { presentation, viewport: style.viewport, quality: style.quality, type },
  })
}
