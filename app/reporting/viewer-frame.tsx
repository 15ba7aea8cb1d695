/** The images beside the report, and the way of the focus between both. */
import { type RefObject, useState } from 'react'
import { t } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import { focusSection } from './focus-section.ts'
import { useViewerWindow } from './viewer-window.ts'

interface ViewerFrameProps {
  frame: RefObject<HTMLIFrameElement | null>
  viewer: string | null
  images: number
  priors: number
  isMine: boolean
}

/** The viewer, left as it stands while somebody looks: what comes later is offered, not put before the eyes. */
export function ViewerFrame({ frame, viewer, images, priors, isMine }: ViewerFrameProps) {
  const [shown, setShown] = useState({ viewer, images, priors })
  const showAll = () => setShown({ viewer, images, priors })
  if (shown.viewer === null && viewer !== null) showAll()
  const { isApart, isSuperseded, moveApart, bringBack } = useViewerWindow(frame, shown.viewer)
  const mayOffer = isMine && viewer !== null && shown.viewer !== null
  const more = mayOffer ? moreThan(shown, { images, priors }) : null
  return (
    <div className="viewer-frame">
      {shown.viewer && !isApart ? (
        <>
          <iframe
            ref={frame}
            key={`${shown.viewer} ${shown.images}`}
            src={shown.viewer}
            title={t('room.images')}
          />
          <div className="viewer-apart-offer">
            {isSuperseded ? <span className="risk">{t('room.window-superseded')}</span> : null}
            <Button look="quiet" onClick={moveApart}>
              {t('room.window-open')}
            </Button>
          </div>
        </>
      ) : (
        <div className="viewer-apart">
          <p className="text-3">{t(shown.viewer ? 'room.window-apart' : 'room.no-images')}</p>
          {shown.viewer ? <Button onClick={bringBack}>{t('room.window-back')}</Button> : null}
        </div>
      )}
      {more ? (
        <button type="button" className="news-above" onClick={showAll}>
          {more}
        </button>
      ) : null}
    </div>
  )
}

interface Amount {
  images: number
  priors: number
}

/** What came last weighs less than what the case itself is about. */
function moreThan(shown: Amount, now: Amount): string | null {
  if (now.images > shown.images) return t('room.more-images', { n: now.images - shown.images })
  return now.priors > shown.priors ? t('room.more-priors', { n: now.priors - shown.priors }) : null
}

/** F2: from the words to the images and back, to the first section that is still to be written. */
export function swapFocus(frame: HTMLIFrameElement | null): void {
  if (frame && document.activeElement !== frame) {
    frame.focus()
    frame.contentWindow?.postMessage({ to: 'isocenter-viewer', type: 'focus' }, location.origin)
    return
  }
  const isEmpty = (key: string) =>
    document.querySelector(`.report-text[data-section="${key}"]`)?.textContent?.trim() === ''
  focusSection(['findings', 'impression'].find(isEmpty) ?? 'findings')
}
