/** The exam's images: one large, all of them as a strip. */
import { useState } from 'react'
import type { StoredObject } from '#db/queries/quality-check.ts'
import { t } from '../../strings/words.ts'
import { Glyph } from '../../ui/glyph.tsx'

/** An address under this session's launch: nothing else of the archive can be asked for. */
export function addressOf(
  viewer: string | null,
  studyUid: string,
  object: StoredObject,
  kind: 'rendered' | 'thumbnail' = 'rendered',
): string | null {
  const launch = viewer && new URLSearchParams(viewer.slice(viewer.indexOf('?'))).get('launch')
  if (!launch || object.rejectedCode) return null
  return `/dicom-web/launch/${launch}/studies/${studyUid}/series/${object.seriesUid}/instances/${object.uid}/${kind}`
}

interface PictureProps {
  object: StoredObject
  address: string | null
  at: number
  total: number
}

export function Picture({ object, address, at, total }: PictureProps) {
  const words = [object.modality, object.description, object.view].filter(Boolean).join(' · ')
  const [failed, setFailed] = useState<string | null>(null)
  return (
    <figure>
      {address && failed !== address ? (
        <img
          src={address}
          alt={t('quality.image-of', { at: at + 1, total, words })}
          onError={() => setFailed(address)}
        />
      ) : (
        <p className="text-3">{object.rejectedCode ? t('quality.hidden') : t('quality.no-picture')}</p>
      )}
      <figcaption>
        <span>{words}</span>
        <span>{t('quality.image-at', { at: at + 1, total })}</span>
        {object.frames > 1 ? <span>{t('quality.frames', { n: object.frames })}</span> : null}
      </figcaption>
      {object.rejectedCode ? (
        <p className="tag late">
          <Glyph name="cross" /> {t('quality.rejected')}
        </p>
      ) : null}
    </figure>
  )
}

/** Beyond this many images a series stands in the strip as one, drawn by its middle image. */
const MOST_IN_STRIP = 24

interface StripProps {
  images: StoredObject[]
  others: number
  at: number
  onChoose: (at: number) => void
  addressOf: (object: StoredObject) => string | null
  children: React.ReactNode
}

export function Strip({ images, others, at, onChoose, addressOf: address, children }: StripProps) {
  const cells = stripOf(images)
  return (
    <section className="panel quality-strip" aria-label={t('quality.strip')}>
      <ul>
        {cells.map(({ object, from, to, n }) => {
          const picture = address(object)
          const isChosen = at >= from && at <= to
          return (
            <li key={object.uid}>
              <button
                type="button"
                aria-pressed={isChosen}
                onClick={() => onChoose(n > 1 ? Math.floor((from + to) / 2) : from)}
              >
                <span className="quality-thumb">
                  {picture ? (
                    <img src={picture} alt="" loading="lazy" />
                  ) : (
                    <Glyph name={object.rejectedCode ? 'cross' : 'image'} />
                  )}
                </span>
                <span className="small strong ellipsis">
                  {object.description || object.view || object.modality}
                </span>
                <span className="small text-3">
                  {object.rejectedCode
                    ? t('quality.rejected')
                    : n > 1
                      ? t('scan.images-count', { n })
                      : t('quality.image-number', { n: from + 1 })}
                </span>
              </button>
            </li>
          )
        })}
      </ul>
      <div className="quality-strip-end">
        {others ? <p className="small text-3">{t('quality.others', { n: others })}</p> : null}
        {children}
      </div>
    </section>
  )
}

interface StripCell {
  object: StoredObject
  from: number
  to: number
  n: number
}

function stripOf(images: StoredObject[]): StripCell[] {
  if (images.length <= MOST_IN_STRIP) return images.map((object, at) => ({ object, from: at, to: at, n: 1 }))
  const cells: StripCell[] = []
  for (const [at, object] of images.entries()) {
    const last = cells.at(-1)
    if (last && last.object.seriesUid === object.seriesUid) {
      last.to = at
      last.n += 1
    } else cells.push({ object, from: at, to: at, n: 1 })
  }
  return cells.map((cell) => ({
    ...cell,
    object: images[Math.floor((cell.from + cell.to) / 2)] ?? cell.object,
  }))
}
