/** The report beside the images: what was asked, its sections, and what is at work in them. */

import { useCallback } from 'react'
import type { KeptAside } from '#db/queries/kept-aside.ts'
import type { ReadingRoom } from '#db/queries/reading-room.ts'
import type { CaseTemplate, Macro } from '#db/queries/report-templates.ts'
import { t, wordFor } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import { KeyWord } from '../ui/screen.tsx'
import { ClinicalQuestion } from './clinical-question.tsx'
import { DictationTag } from './dictation-tag.tsx'
import { KeptAsideWords } from './kept-aside.tsx'
import { MacroPicker } from './macro-picker.tsx'
import { ReportTag } from './report-tag.tsx'
import { SectionEditor } from './section-editor.tsx'
import type { Draft } from './use-draft.ts'
import type { useWriting } from './use-writing.ts'

interface ReportPanelProps {
  room: Pick<ReadingRoom, 'report' | 'reason' | 'requester'>
  template: CaseTemplate | null
  macros: readonly Macro[]
  draft: Draft
  writing: ReturnType<typeof useWriting>
  kept: readonly KeptAside[]
  mayWrite: boolean
}

export function ReportPanel({ room, template, macros, draft, writing, kept, mayWrite }: ReportPanelProps) {
  const { save } = draft
  const leave = useCallback(() => void save(), [save])
  const { desk, dictation, macrosFor } = writing
  const guess = dictation.is === 'on' ? dictation.guess : ''
  return (
    <section className="report-panel" aria-label={t('room.report')}>
      <header>
        <h2 className="strong">{t('room.report')}</h2>
        <ReportTag
          state={room.report?.state ?? null}
          draft={draft.state}
          savedAt={draft.savedAt}
          mayWrite={mayWrite}
        />
        {mayWrite ? (
          <span className="push">
            <Button look="quiet" chord="Alt+U" title={template?.title} onClick={writing.fillNormal}>
              {t('room.normal')}
            </Button>
          </span>
        ) : null}
      </header>
      <div className="report-scroll">
        <ClinicalQuestion reason={room.reason} requester={room.requester} />
        {draft.sections.map(({ key, text, marks }) => (
          <SectionEditor
            key={key}
            sectionKey={key}
            label={wordFor('section', key)}
            text={text}
            marks={marks}
            readOnly={!mayWrite}
            desk={desk}
            onChange={draft.write}
            onLeave={leave}
            onMeasurement={writing.goToImage}
          />
        ))}
        <KeptAsideWords kept={kept} />
      </div>
      {mayWrite ? (
        <footer className="report-keys">
          {writing.keys
            .filter(({ chord }) => chord !== 'Alt+U')
            .map((key) => (
              <KeyWord key={key.chord} {...key} />
            ))}
        </footer>
      ) : null}
      {/* Over the words and not among them: what is only guessed moves nothing. */}
      {dictation.is !== 'off' || writing.said ? (
        <p className="report-aside">
          <span role="status">
            <DictationTag state={dictation} />
          </span>
          <span className="ellipsis">{guess || writing.said}</span>
        </p>
      ) : null}
      {macrosFor === null ? null : (
        <MacroPicker macros={macros} desk={desk} selected={macrosFor} onClose={writing.closeMacros} />
      )}
    </section>
  )
}
