/** One section of a report: plain words and line breaks, fields to go through, undo of its own. */

import { type Editor, EditorContent, useEditor } from '@tiptap/react'
import StarterKit from '@tiptap/starter-kit'
import { memo, useEffect, useMemo, useRef, useState } from 'react'
import type { MarkedText, MeasuredImage, TextMark } from '#domain/report-text.ts'
import { type ReportDesk, readSelection } from './report-desk.ts'
import { documentOf, fieldsIn, markedText, REPORT_MARKS } from './report-marks.ts'
import { SystemWords } from './system-words.ts'

interface SectionEditorProps {
  sectionKey: string
  label: string
  text: string
  marks?: readonly TextMark[] | undefined
  readOnly: boolean
  /** Takes the focus once it is there, at the end of its words. */
  takesFocus?: boolean
  /** Its room, where the keys go from one field to the next. */
  desk?: ReportDesk | undefined
  onChange: (sectionKey: string, words: MarkedText) => void
  onLeave: () => void
  /** Somebody pressed on words that were measured. */
  onMeasurement?: ((image: MeasuredImage) => void) | undefined
}

// A report is plain text on every wire it leaves by: bold words and lists would be lost on the way out.
const PLAIN = StarterKit.configure({
  blockquote: false,
  bold: false,
  bulletList: false,
  code: false,
  codeBlock: false,
  heading: false,
  horizontalRule: false,
  italic: false,
  link: false,
  listItem: false,
  listKeymap: false,
  orderedList: false,
  strike: false,
  underline: false,
  trailingNode: false,
})
const EXTENSIONS = [PLAIN, ...REPORT_MARKS, SystemWords]
const NO_MARKS: readonly TextMark[] = []

/** Drawn again for a change of its own words only: whoever types in another section waits for nothing here. */
export const SectionEditor = memo(function SectionEditor({
  sectionKey,
  label,
  text,
  marks = NO_MARKS,
  readOnly,
  takesFocus = false,
  desk,
  onChange,
  onLeave,
  onMeasurement,
}: SectionEditorProps) {
  const handlers = useRef({ onChange, onLeave, onMeasurement, desk })
  useEffect(() => {
    handlers.current = { onChange, onLeave, onMeasurement, desk }
  })
  // Made once: another object here would have the editor set itself up again after every key.
  const editorProps = useMemo(
    () => ({
      attributes: {
        class: 'report-text',
        role: 'textbox',
        'aria-multiline': 'true',
        'aria-label': label,
        'data-section': sectionKey,
      },
      handleKeyDown: (view: Editor['view'], event: KeyboardEvent) => {
        if (!view.composing) readSelection(view)
        return keyOf(event, handlers.current.desk)
      },
      handleClick: (view: Editor['view'], position: number) => {
        const mark = view.state.doc
          .resolve(position)
          .marks()
          .find(({ type }) => type.name === 'measurement')
        if (mark) handlers.current.onMeasurement?.(mark.attrs.image as MeasuredImage)
        return false
      },
    }),
    [label, sectionKey],
  )
  const [first] = useState(() => ({ content: documentOf({ text, marks }), editable: !readOnly }))
  const own = useRef([text])
  const editor = useEditor({
    extensions: EXTENSIONS,
    ...first,
    autofocus: takesFocus ? 'end' : false,
    injectCSS: false,
    immediatelyRender: false,
    shouldRerenderOnTransaction: false,
    editorProps,
    onUpdate: ({ editor: changed }) => {
      const words = markedText(changed.state.doc)
      own.current.push(words.text)
      handlers.current.onChange(sectionKey, words)
    },
    onFocus: () => handlers.current.desk?.touched(sectionKey),
    onBlur: () => handlers.current.onLeave(),
  })
  useEffect(() => {
    if (editor && editor.isEditable === readOnly) editor.setEditable(!readOnly, false)
  }, [editor, readOnly])
  useEffect(() => (editor && desk ? desk.enter(sectionKey, editor) : undefined), [editor, desk, sectionKey])
  // Words that came from elsewhere (the normal report, an older draft) go in without moving the focus. The editor's own
  // come back as well, and late behind a fast hand: those are where they belong already.
  useEffect(() => {
    const known = own.current.indexOf(text)
    if (known >= 0) own.current.splice(0, known)
    if (!editor || known >= 0) return
    own.current = [text]
    takeWords(editor, { text, marks })
  }, [editor, text, marks])
  return (
    <section className="report-section">
      <h3 className="label">{label}</h3>
      {/* Until the editor wakes up the words stand in its place, so that nothing moves. */}
      {editor ? <EditorContent editor={editor} /> : <div className="report-text">{text}</div>}
    </section>
  )
})

/** What is to be filled in comes after the cursor; else the cursor stands where one goes on writing. */
function takeWords(editor: Editor, words: MarkedText): void {
  editor.commands.setContent(documentOf(words), { emitUpdate: false })
  const [first] = fieldsIn(editor.state.doc)
  editor.commands.setTextSelection(first ? first.from : editor.state.doc.content.size - 1)
}

/** Tab goes from field to field, and leaves after Esc; a field that is selected as a whole is chosen in by ↑ and ↓. */
function keyOf(event: KeyboardEvent, desk: ReportDesk | undefined): boolean {
  if (!desk || event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return false
  if (event.key === 'Escape') desk.letLeave()
  else if (event.key === 'Tab' && !desk.mayLeave) {
    event.preventDefault()
    desk.jump(event.shiftKey ? -1 : 1)
    return true
  } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && !event.shiftKey) {
    const isChosen = desk.choose(event.key === 'ArrowDown' ? 1 : -1)
    if (isChosen) event.preventDefault()
    return isChosen
  } else if (event.key !== 'Shift' && event.key !== 'Tab') desk.stay()
  return false
}
