/** The viewer in a window of its own, on another monitor: opened again where this workstation had it last. */
import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import { hearViewer, tellViewer } from './viewer-desk.ts'

/** Of the workstation and not of a person: where its window stands says nothing of anybody. The viewer keeps it current. */
const KEPT = 'isocenter.viewer-window'
const NAME = 'isocenter-viewer'
const LOOK_EVERY_MS = 500

export interface WindowPlace {
  isOpen: boolean
  left: number
  top: number
  width: number
  height: number
}

export interface ViewerWindow {
  isApart: boolean
  /** A newer window with another case has closed this one's. */
  isSuperseded: boolean
  moveApart(): void
  bringBack(): void
}

export function useViewerWindow(
  frame: RefObject<HTMLIFrameElement | null>,
  viewer: string | null,
): ViewerWindow {
  const apart = useRef<Window | null>(null)
  const [isApart, setApart] = useState(false)
  const [isSuperseded, setSuperseded] = useState(false)

  const open = useCallback(() => {
    if (viewer === null) return
    apart.current = window.open(viewer, NAME, featuresOf(readPlace()))
    if (apart.current) frame.current = asFrame(apart.current)
    setApart(apart.current !== null)
  }, [viewer, frame])

  const bringBack = useCallback(() => {
    apart.current?.close()
    apart.current = null
    writePlace({ ...readPlace(), isOpen: false })
    setApart(false)
  }, [])

  useEffect(() => {
    if (readPlace().isOpen) open()
    // The next case opens in the same window; without one, nobody's images stay on the other monitor.
    return () => {
      if (apart.current) tellViewer({ current: asFrame(apart.current) }, { type: 'blank' })
    }
  }, [open])

  useEffect(() => {
    if (!isApart) return
    // The frame that made room has taken its name out of the ref by now.
    if (apart.current) frame.current = asFrame(apart.current)
    const stop = hearViewer(frame, ({ type }) => {
      if (type !== 'superseded') return
      apart.current = null
      setApart(false)
      setSuperseded(true)
    })
    const looking = setInterval(() => {
      if (apart.current?.closed) bringBack()
    }, LOOK_EVERY_MS)
    return () => {
      stop()
      clearInterval(looking)
    }
  }, [isApart, frame, bringBack])

  const moveApart = useCallback(() => {
    setSuperseded(false)
    writePlace({ ...readPlace(), isOpen: true })
    void mayUseEveryScreen().then(open)
  }, [open])

  return { isApart, isSuperseded, moveApart, bringBack }
}

/** What the room asks of its viewer, a window answers as a frame does: it has a content, and it takes the focus. */
function asFrame(window: Window): HTMLIFrameElement {
  return { contentWindow: window, focus: () => window.focus() } as unknown as HTMLIFrameElement
}

const FIRST: WindowPlace = { isOpen: false, left: 80, top: 60, width: 1200, height: 900 }

export function readPlace(kept: string | null = localStorage.getItem(KEPT)): WindowPlace {
  try {
    const said = JSON.parse(kept ?? '{}') as Record<string, unknown>
    const numbers = ['left', 'top', 'width', 'height'] as const
    const place = Object.fromEntries(
      numbers.map((side) => [
        side,
        Number.isFinite(said[side]) ? Math.round(said[side] as number) : FIRST[side],
      ]),
    ) as Pick<WindowPlace, (typeof numbers)[number]>
    return {
      ...place,
      width: Math.max(place.width, 400),
      height: Math.max(place.height, 300),
      isOpen: said.isOpen === true,
    }
  } catch {
    // Somebody else's words under our name: as if there were none.
    return FIRST
  }
}

function writePlace(place: WindowPlace): void {
  localStorage.setItem(KEPT, JSON.stringify(place))
}

const featuresOf = ({ left, top, width, height }: WindowPlace) =>
  `popup,left=${left},top=${top},width=${width},height=${height}`

/** Browsers put a window onto another screen only for who was allowed to; asked once, with the press. */
async function mayUseEveryScreen(): Promise<void> {
  const ask = (window as { getScreenDetails?: () => Promise<unknown> }).getScreenDetails
  // Refused, or not known here: the window opens on this screen, and can be moved by hand.
  if (screen && 'isExtended' in screen && screen.isExtended) await ask?.call(window).catch(() => {})
}
