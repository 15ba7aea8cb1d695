/** What the viewer says it has drawn of the current study. */
import { useEffect, useState } from 'react'

export interface ImagesSeen {
  displayed: number
  /** Something the page asked of the viewer, or an image, could not be shown. */
  failed: boolean
}

export function useImagesSeen(frame: { current: HTMLIFrameElement | null }): ImagesSeen {
  const [seen, setSeen] = useState<ImagesSeen>({ displayed: 0, failed: false })
  useEffect(() => {
    function hear({ origin, source, data: said }: MessageEvent): void {
      if (origin !== location.origin || source !== frame.current?.contentWindow) return
      if (said?.from !== 'isocenter-viewer') return
      if (said.type === 'ready') setSeen({ displayed: 0, failed: false })
      if (said.type === 'images') setSeen((before) => ({ ...before, displayed: Number(said.displayed) || 0 }))
      if (said.type === 'failed') setSeen((before) => ({ ...before, failed: true }))
    }
    addEventListener('message', hear)
    return () => removeEventListener('message', hear)
  }, [frame])
  return seen
}
