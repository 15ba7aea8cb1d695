/** The report as one thing to write on: which section has the cursor, the way from field to field, and what goes in there. */

import { Fragment, Slice } from '@tiptap/pm/model'
import { TextSelection } from '@tiptap/pm/state'
import type { Editor } from '@tiptap/react'
import type { MarkedText, MeasuredImage } from '#domain/report-text.ts'
import { documentOf, fieldsIn } from './report-marks.ts'

export interface Cursor {
  section: string
  /** Offsets into the section's text, a line break counting one. */
  from: number
  to: number
}

/** One for a room. What it does never moves the focus, but where somebody goes on purpose. */
export class ReportDesk {
  private readonly editors = new Map<string, Editor>()
  private last: string | null = null
  private isLeaving = false
  private wanted: Cursor | null = null

  enter(section: string, editor: Editor): () => void {
    this.editors.set(section, editor)
    if (this.wanted?.section === section && this.restore(this.wanted)) this.wanted = null
    return () => {
      if (this.editors.get(section) === editor) this.editors.delete(section)
    }
  }

  /** The section that has the cursor, also while the focus is elsewhere. */
  touched(section: string): void {
    this.last = section
    this.isLeaving = false
  }

  /** Esc, then Tab, leaves the words as Tab does everywhere else. */
  letLeave(): void {
    this.isLeaving = true
  }

  stay(): void {
    this.isLeaving = false
  }

  get mayLeave(): boolean {
    return this.isLeaving
  }

  /** The next field, in this section or the next one; a section without fields is one itself. */
  jump(by: 1 | -1): void {
    const active = this.active()
    if (!active) return
    const { selection, doc } = active.editor.state
    const fields = fieldsIn(doc)
    const next =
      by > 0
        ? fields.find(({ from }) => from >= (selection.empty ? selection.from : selection.to))
        : fields.findLast(({ to }) => to <= (selection.empty ? selection.from - 1 : selection.from))
    if (next) select(active.editor, next)
    else this.goTo(this.beside(active.section, by), by)
  }

  private goTo(section: string, by: 1 | -1): void {
    const editor = this.editors.get(section)
    if (!editor) return
    const field = fieldsIn(editor.state.doc).at(by > 0 ? 0 : -1)
    if (field) select(editor, field)
    else {
      select(editor, { from: editor.state.doc.content.size - 1, to: editor.state.doc.content.size - 1 })
    }
  }

  private beside(section: string, by: 1 | -1): string {
    const sections = [...this.editors.keys()].sort((one, other) => this.order(one, other))
    return sections[(sections.indexOf(section) + by + sections.length) % sections.length] ?? section
  }

  private order(one: string, other: string): number {
    const [first, second] = [this.editors.get(one)!, this.editors.get(other)!]
    const place = first.view.dom.compareDocumentPosition(second.view.dom)
    return place & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1
  }

  /** The next choice of the field that is selected as a whole; false where there is none. */
  choose(by: 1 | -1): boolean {
    const active = this.active()
    if (!active) return false
    const { selection, doc } = active.editor.state
    const field = fieldsIn(doc).find(({ from, to }) => from === selection.from && to === selection.to)
    if (!field || field.options.length === 0) return false
    const at = field.options.indexOf(doc.textBetween(field.from, field.to))
    const word =
      field.options[(at + by + field.options.length + (at < 0 && by < 0 ? 1 : 0)) % field.options.length]!
    const change = active.editor.state.tr.insertText(word, field.from, field.to)
    active.editor.view.dispatch(
      change.setSelection(TextSelection.create(change.doc, field.from, field.from + word.length)),
    )
    return true
  }

  /** Puts words where the cursor is, and leaves the focus where it is. False where nothing can be written. */
  insert(words: MarkedText, { spaced = false }: { spaced?: boolean } = {}): boolean {
    const active = this.active()
    if (!active?.editor.isEditable) return false
    const { editor } = active
    const { state } = editor
    const before = state.doc.textBetween(Math.max(0, state.selection.from - 1), state.selection.from, '\n')
    const lead = spaced && /\S/.test(before) && !/^[.,;:)\n]/.test(words.text) ? ' ' : ''
    const lines = (documentOf(words).content ?? []).map((line) => state.schema.nodeFromJSON(line))
    const change = state.tr
    if (lead) change.insertText(lead)
    if (words.marks.length === 0 && lines.length === 1) change.insertText(words.text)
    else change.replaceSelection(new Slice(Fragment.from(lines), 1, 1))
    editor.view.dispatch(change.scrollIntoView())
    const field = fieldsIn(editor.state.doc).find(
      ({ from, to }) => from >= state.selection.from && to <= editor.state.selection.to,
    )
    if (field && words.marks.some(({ kind }) => kind === 'field')) select(editor, field)
    return true
  }

  /** What is selected, as words: for a macro of it. */
  selected(): string {
    const active = this.active()
    if (!active) return ''
    const { selection, doc } = active.editor.state
    return doc.textBetween(selection.from, selection.to, '\n')
  }

  /** The image of the measurement that the cursor stands in. */
  measurementAtCursor(): MeasuredImage | null {
    const active = this.active()
    if (!active) return null
    const { $from } = active.editor.state.selection
    const marks = [...$from.marks(), ...($from.nodeBefore?.marks ?? []), ...($from.nodeAfter?.marks ?? [])]
    return (marks.find(({ type }) => type.name === 'measurement')?.attrs.image as MeasuredImage) ?? null
  }

  focus(): void {
    const active = this.active()
    if (active) active.editor.view.focus()
  }

  /** Where findings are written, if nobody has written anywhere yet. */
  settleOn(section: string): void {
    if (this.last === null && this.editors.has(section)) {
      const editor = this.editors.get(section)!
      this.last = section
      const end = editor.state.doc.content.size - 1
      editor.view.dispatch(editor.state.tr.setSelection(TextSelection.create(editor.state.doc, end)))
    }
  }

  cursor(): Cursor | null {
    const active = this.active()
    if (!active) return null
    const { selection } = active.editor.state
    // A paragraph's two edges are one line break, and the first edge none.
    return {
      section: active.section,
      from: selection.from - 1 - edges(active.editor, selection.from),
      to: selection.to - 1 - edges(active.editor, selection.to),
    }
  }

  /** Back to where somebody was; what is not there any more brings nobody anywhere. */
  restore({ section, from, to }: Cursor): boolean {
    const editor = this.editors.get(section)
    if (!editor) return false
    select(editor, { from: positionOf(editor, from), to: positionOf(editor, to) })
    return true
  }

  /** At once, or when its section has woken up. */
  restoreWhenThere(cursor: Cursor): void {
    this.wanted = this.restore(cursor) ? null : cursor
  }

  private active(): { section: string; editor: Editor } | null {
    const section = this.last ?? ''
    const editor = this.editors.get(section)
    if (!editor || editor.isDestroyed) return null
    if (editor.view.hasFocus() && !editor.view.composing) readSelection(editor.view)
    return { section, editor }
  }
}

/**
 * The editor hears of a moved cursor by an event that a fast hand's next key can overtake. Its observer is there as long
 * as its view is; only its type is kept from others.
 */
export function readSelection(view: Editor['view']): void {
  const { domObserver } = view as unknown as { domObserver: { flush(): void } }
  domObserver.flush()
}

function select(editor: Editor, { from, to }: { from: number; to: number }): void {
  const change = editor.state.tr.setSelection(TextSelection.create(editor.state.doc, from, to))
  editor.view.dispatch(change.scrollIntoView())
  editor.view.focus()
}

/** How many lines end before a position: each is one more edge than it is characters. */
function edges(editor: Editor, position: number): number {
  return editor.state.doc.resolve(position).index(0)
}

function positionOf(editor: Editor, offset: number): number {
  let left = offset
  let found = editor.state.doc.content.size - 1
  editor.state.doc.forEach((paragraph, start) => {
    const length = paragraph.content.size
    if (left >= 0 && left <= length) found = Math.min(start + 1 + left, found)
    left -= length + 1
  })
  return found
}
