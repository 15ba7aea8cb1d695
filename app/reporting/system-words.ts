/** What the department wrote is violet until somebody touches it: the line that is edited is the reader's own from then on. */

import { type EditorState, Plugin, PluginKey, type Transaction } from '@tiptap/pm/state'
import type { EditorView } from '@tiptap/pm/view'
import { Extension } from '@tiptap/react'

interface Touched {
  from: number
  to: number
}

const key = new PluginKey<Touched | null>('system-words')
/** Long enough for the editor to have read what an input method wrote. */
const AFTER_COMPOSITION_MS = 60

export const SystemWords = Extension.create({
  name: 'systemWords',
  addProseMirrorPlugins: () => [
    new Plugin<Touched | null>({
      key,
      state: { init: () => null, apply: (change, touched) => touchedBy(change, touched) },
      view: () => ({ update: takeOver }),
      props: {
        handleDOMEvents: {
          compositionend: (view) => {
            setTimeout(() => !view.isDestroyed && takeOver(view), AFTER_COMPOSITION_MS)
          },
        },
      },
    }),
  ],
})

function touchedBy(change: Transaction, before: Touched | null): Touched | null {
  if (change.getMeta(key) === 'taken') return null
  if (!change.docChanged) return before
  let touched = before && {
    from: change.mapping.map(before.from, -1),
    to: change.mapping.map(before.to, 1),
  }
  // What comes in whole from elsewhere (a filled report, an older draft) is nobody's edit.
  if (change.getMeta('preventUpdate')) return touched
  change.mapping.maps.forEach((map, n) => {
    const rest = change.mapping.slice(n + 1)
    map.forEach((_oldFrom, _oldTo, newFrom, newTo) => {
      const [from, to] = [rest.map(newFrom, -1), rest.map(newTo, 1)]
      touched = touched ? { from: Math.min(touched.from, from), to: Math.max(touched.to, to) } : { from, to }
    })
  })
  return touched
}

// Never while an input method is composing: whatever changes around its words breaks them.
function takeOver(view: EditorView): void {
  const { state } = view
  const touched = key.getState(state)
  if (!touched || view.composing) return
  const change = ownLines(state, touched)
  view.dispatch(change.setMeta(key, 'taken').setMeta('addToHistory', false))
}

function ownLines(state: EditorState, { from, to }: Touched): Transaction {
  const change = state.tr
  const size = state.doc.content.size
  const line = [state.doc.resolve(Math.min(from, size)), state.doc.resolve(Math.min(to, size))] as const
  const [start, end] = [line[0].start(1), line[1].end(1)]
  const mark = state.schema.marks.system
  return mark && state.doc.rangeHasMark(start, end, mark) ? change.removeMark(start, end, mark) : change
}
