/** What the viewer says it has drawn of the current study. */
import { useEffect, useState } from 'react'

export interface ImagesSeen {
  displayed: number
  /** How many there are to be displayed, frame by frame; null until the viewer has said so. */
  available: number | null
  /** Asked for again and again, and still not there: nobody can have looked at them. */
  missing: number
}

const NOTHING: ImagesSeen = { displayed: 0, available: null, missing: 0 }

export function useImagesSeen(frame: { current: HTMLIFrameElement | null }): ImagesSeen {
  const [seen, setSeen] = useState<ImagesSeen>(NOTHING)
  useEffect(() => {
    function hear({ origin, source, data: said }: MessageEvent): void {
      if (origin !== location.origin || source !== frame.current?.contentWindow) return
      if (said?.from !== 'isocenter-viewer') return
      if (said.type === 'ready') setSeen(NOTHING)
      if (said.type === 'images') {
        const count = (value: unknown) => Number(value) || 0
        setSeen({
          displayed: count(said.displayed),
          available: count(said.available),
          missing: count(said.missing),
        })
      }
    }
    addEventListener('message', hear)
    return () => removeEventListener('message', hear)
  }, [frame])
  return seen
}
