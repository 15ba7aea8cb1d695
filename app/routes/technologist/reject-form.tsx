import { t, wordFor } from '../../strings/words.ts'
import { Keys } from '../../ui/button.tsx'
import { Glyph } from '../../ui/glyph.tsx'
import { type Reason, ReasonPicker, ReasonWords } from '../../ui/reason-picker.tsx'
import { NEEDS_WORDS, REJECT_TREE } from './reject-tree.ts'

export interface Rejecting {
  branch: string | null
  leaf: string | null
  words: string
  repeated: boolean
  /** The whole exam, not only the image on the screen. */
  all: boolean
}

export const NOTHING_CHOSEN: Rejecting = { branch: null, leaf: null, words: '', repeated: true, all: false }

const BRANCHES: Reason[] = REJECT_TREE.map(({ id }) => ({ code: id, word: wordFor('reject', id) }))

interface RejectFormProps {
  reject: Rejecting
  onChange: (reject: Rejecting) => void
  image: { at: number; total: number } | null
  visible: number
}

export function RejectForm({ reject, onChange, image, visible }: RejectFormProps) {
  const leaves = REJECT_TREE.find(({ id }) => id === reject.branch)?.leaves ?? []
  const all = reject.all || image === null || image.total < 2
  return (
    <section className="quality-reject">
      <header>
        <h2 className="strong">
          {all ? t('quality.reject-all', { n: visible }) : t('quality.reject-one', { ...image })}
        </h2>
        {image && image.total > 1 ? (
          <span className="segments push">
            <button
              type="button"
              aria-pressed={!reject.all}
              onClick={() => onChange({ ...reject, all: false })}
            >
              {t('quality.this-image')}
            </button>
            <button
              type="button"
              aria-pressed={reject.all}
              onClick={() => onChange({ ...reject, all: true })}
            >
              {t('quality.whole-exam')}
            </button>
          </span>
        ) : null}
      </header>
      <div className="quality-tree">
        <ReasonPicker
          label={t('quality.reject-why')}
          reasons={BRANCHES}
          chosen={reject.branch}
          onChoose={(branch) => {
            const own = REJECT_TREE.find(({ id }) => id === branch)?.leaves ?? []
            onChange({ ...reject, branch, leaf: own.length === 1 ? (own[0] ?? null) : null })
          }}
        />
        <div>
          {reject.branch ? (
            <>
              <p className="label quality-tree-head">{wordFor('reject', reject.branch)}</p>
              <ReasonPicker
                key={reject.branch}
                label={wordFor('reject', reject.branch)}
                reasons={leaves.map((code) => ({ code, word: wordFor('reject', code) }))}
                chosen={reject.leaf}
                takesFocus
                onChoose={(leaf) => onChange({ ...reject, leaf })}
              />
              <p className="label quality-tree-head">{t('quality.then')}</p>
              <div className="reasons" role="radiogroup" aria-label={t('quality.then')}>
                <Then
                  letter="R"
                  word={t('quality.repeated')}
                  chosen={reject.repeated}
                  onChoose={() => onChange({ ...reject, repeated: true })}
                />
                <Then
                  letter="K"
                  word={t('quality.kept')}
                  chosen={!reject.repeated}
                  onChoose={() => onChange({ ...reject, repeated: false })}
                />
              </div>
            </>
          ) : (
            <p className="quality-note small text-3">{t('quality.what-rejecting-does')}</p>
          )}
        </div>
      </div>
      {reject.leaf ? (
        <div className="quality-words">
          <ReasonWords
            value={reject.words}
            required={NEEDS_WORDS.has(reject.leaf)}
            onChange={(words) => onChange({ ...reject, words })}
          />
        </div>
      ) : null}
    </section>
  )
}

function Then({
  letter,
  word,
  chosen,
  onChoose,
}: {
  letter: string
  word: string
  chosen: boolean
  onChoose: () => void
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a radio button can't hold the row's key cap
    <button type="button" role="radio" aria-checked={chosen} onClick={onChoose}>
      <Keys chord={letter} />
      <span>{word}</span>
      {chosen ? <Glyph name="check" /> : null}
    </button>
  )
}
