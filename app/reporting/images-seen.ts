/** What the viewer says it has drawn of the current study. */
import { useEffect, useState } from 'react'

export interface ImagesSeen {
  displayed: number
  /** How many there are to be displayed, frame by frame; null until the viewer has said so. */
  available: number | null
  /** Something the page asked of the viewer, or an image, could not be shown. */
  failed: boolean
}

const NOTHING: ImagesSeen = { displayed: 0, available: null, failed: false }

export function useImagesSeen(frame: { current: HTMLIFrameElement | null }): ImagesSeen {
  const [seen, setSeen] = useState<ImagesSeen>(NOTHING)
  useEffect(() => {
    function hear({ origin, source, data: said }: MessageEvent): void {
      if (origin !== location.origin || source !== frame.current?.contentWindow) return
      if (said?.from !== 'isocenter-viewer') return
      if (said.type === 'ready') setSeen(NOTHING)
      if (said.type === 'images') {
        const [displayed, available] = [Number(said.displayed) || 0, Number(said.available) || 0]
        setSeen((before) => ({ ...before, displayed, available }))
      }
      if (said.type === 'failed') setSeen((before) => ({ ...before, failed: true }))
    }
    addEventListener('message', hear)
    return () => removeEventListener('message', hear)
  }, [frame])
  return seen
}
