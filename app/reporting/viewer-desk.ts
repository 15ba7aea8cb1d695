/** Asks the viewer beside the report, and hears its answer: a viewer that is not there, or still opening, answers nothing. */
import type { MeasuredImage } from '#domain/report-text.ts'

export type Frame = { readonly current: HTMLIFrameElement | null }

export interface Measurement {
  /** `12.4 mm`, as the viewer says it. */
  text: string
  image: MeasuredImage
}
export type ViewerLayout = Readonly<Record<string, unknown>>

const PATIENCE_MS = 800
/** A line that is still open is ended and reckoned first. */
const MEASURING_MS = 3000

export async function takeMeasurement(frame: Frame): Promise<Measurement | null> {
  const asked = { question: 'take-measurement', answer: 'measurement', patienceMs: MEASURING_MS }
  const said = await ask(frame, asked)
  return (said?.measurement as Measurement | undefined) ?? null
}

export async function layoutNow(frame: Frame): Promise<ViewerLayout | null> {
  const said = await ask(frame, { question: 'where', answer: 'where', patienceMs: PATIENCE_MS })
  return (said?.layout as ViewerLayout | undefined) ?? null
}

export function showImage(frame: Frame, image: MeasuredImage): void {
  tellViewer(frame, { type: 'show-image', image })
}

export function tellViewer({ current }: Frame, said: { type: string } & Record<string, unknown>): void {
  current?.contentWindow?.postMessage({ to: 'isocenter-viewer', ...said }, location.origin)
}

/** Calls back for what the viewer in this frame says. */
export function hearViewer(frame: Frame, hear: (said: Record<string, unknown>) => void): () => void {
  function onMessage({ origin, source, data: said }: MessageEvent): void {
    if (origin !== location.origin || source === null || source !== frame.current?.contentWindow) return
    if (said?.from === 'isocenter-viewer') hear(said)
  }
  addEventListener('message', onMessage)
  return () => removeEventListener('message', onMessage)
}

function ask(
  frame: Frame,
  { question, answer, patienceMs }: { question: string; answer: string; patienceMs: number },
): Promise<Record<string, unknown> | null> {
  if (!frame.current) return Promise.resolve(null)
  return new Promise((resolve) => {
    const stop = hearViewer(frame, (said) => said.type === answer && done(said))
    const waiting = setTimeout(() => done(null), patienceMs)
    function done(said: Record<string, unknown> | null): void {
      stop()
      clearTimeout(waiting)
      resolve(said)
    }
    tellViewer(frame, { type: question })
  })
}
