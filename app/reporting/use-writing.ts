/** The keys of who writes a report: normal report, macro, measurement, dictation, and the place they all go in. */

import { useCallback, useState } from 'react'
import type { CaseTemplate } from '#db/queries/report-templates.ts'
import type { MarkedText, MeasuredImage } from '#domain/report-text.ts'
import { t } from '../strings/words.ts'
import type { ScreenKey } from '../ui/screen.tsx'
import { normalText, ofDepartment, ofTemplate } from './normal-text.ts'
import { ReportDesk } from './report-desk.ts'
import { filled } from './sections.ts'
import { useDictation } from './use-dictation.ts'
import type { Draft } from './use-draft.ts'
import { type Frame, showImage, takeMeasurement } from './viewer-desk.ts'
import { swapFocus } from './viewer-frame.tsx'

interface Writing {
  order: { procedure: string; modality: string; area: string }
  /** What it is compared with, in words. */
  comparison: string
  /** The studies of this case; whatever else is measured is a prior's. */
  studies: readonly string[]
  template: CaseTemplate | null
  draft: Draft
  frame: Frame
  mayWrite: boolean
  cloudAccepted: boolean
}

export function useWriting({
  order,
  comparison,
  studies,
  template,
  draft,
  frame,
  mayWrite,
  cloudAccepted,
}: Writing) {
  const [desk] = useState(() => new ReportDesk())
  const dictation = useDictation(desk, { cloudAccepted })
  const [macrosFor, setMacrosFor] = useState<string | null>(null)
  const [said, setSaid] = useState<string | null>(null)

  function fillNormal(): void {
    const department = ofDepartment({ technique: `${order.procedure}.`, comparison })
    draft.setSections(
      filled(draft.sections, { ...department, ...(template ? ofTemplate(template) : normalText(order)) }),
    )
  }
  async function measure(): Promise<void> {
    const measured = await takeMeasurement(frame)
    setSaid(measured ? null : t('room.nothing-measured'))
    if (!measured) return
    desk.settleOn('findings')
    const isPrior = !studies.includes(measured.image.studyUid)
    const text = isPrior ? t('room.measured-prior', { text: measured.text }) : measured.text
    const words: MarkedText = {
      text,
      marks: [{ kind: 'measurement', from: 0, to: text.length, image: measured.image }],
    }
    desk.insert(words, { spaced: true })
    desk.focus()
  }
  const openMacros = () => {
    desk.settleOn('findings')
    setMacrosFor(desk.selected())
  }
  function swap(): void {
    const image = frame.current && document.activeElement !== frame.current && desk.measurementAtCursor()
    swapFocus(frame.current)
    if (image) showImage(frame, image)
  }
  const goToImage = useCallback((image: MeasuredImage) => showImage(frame, image), [frame])
  const disabled = !mayWrite
  const keys: ScreenKey[] = [
    // On its button already, as those of the signing form are.
    { chord: 'Alt+U', word: t('room.normal'), run: fillNormal, disabled, silent: true },
    // These below the text.
    { chord: 'Alt+K', word: t('room.macro'), run: openMacros, disabled, silent: true },
    { chord: 'Alt+M', word: t('room.measurement'), run: () => void measure(), disabled, silent: true },
    {
      chord: 'F4',
      word: t('room.dictation'),
      run: () => {
        desk.settleOn('findings')
        dictation.toggle()
      },
      disabled,
      silent: true,
    },
  ]
  return {
    desk,
    keys,
    swap,
    fillNormal,
    goToImage,
    dictation: dictation.state,
    /** The words that were selected when the macros were opened; null while they are not. */
    macrosFor,
    closeMacros: () => setMacrosFor(null),
    said,
  }
}
