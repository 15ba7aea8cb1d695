/** Whether somebody is being listened to, and whether what is said stays in the house. */
import { t } from '../strings/words.ts'
import { Glyph } from '../ui/glyph.tsx'
import type { DictationState } from './use-dictation.ts'

export function DictationTag({ state }: { state: DictationState }) {
  if (state.is === 'off') return null
  if (state.is !== 'on')
    return (
      <span className="tag risk">
        <Glyph name="look" /> {t(`dictation.${state.is}`)}
      </span>
    )
  return (
    <span className={state.isLocal ? 'tag you' : 'tag risk'} title={state.name}>
      <Glyph name={state.isLocal ? 'lock' : 'look'} />
      {t(state.isLocal ? 'dictation.local' : 'dictation.cloud')}
    </span>
  )
}
