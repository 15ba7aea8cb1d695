/** One section of a report: plain words and line breaks, undo of its own. */
import { EditorContent, useEditor } from '@tiptap/react'
import StarterKit from '@tiptap/starter-kit'
import { useEffect, useRef } from 'react'

interface SectionEditorProps {
  sectionKey: string
  label: string
  text: string
  readOnly: boolean
  /** Takes the focus once it is there, at the end of its words. */
  takesFocus?: boolean
  onChange: (text: string) => void
  onLeave: () => void
}

// A report is plain text on every wire it leaves by: marks and lists would be lost on the way out.
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

export function SectionEditor({
  sectionKey,
  label,
  text,
  readOnly,
  takesFocus = false,
  onChange,
  onLeave,
}: SectionEditorProps) {
  const handlers = useRef({ onChange, onLeave })
  useEffect(() => {
    handlers.current = { onChange, onLeave }
  })
  const editor = useEditor({
    extensions: [PLAIN],
    content: documentOf(text),
    editable: !readOnly,
    autofocus: takesFocus ? 'end' : false,
    injectCSS: false,
    immediatelyRender: false,
    editorProps: {
      attributes: {
        class: 'report-text',
        role: 'textbox',
        'aria-multiline': 'true',
        'aria-label': label,
        'data-section': sectionKey,
      },
    },
    onUpdate: ({ editor: changed }) => handlers.current.onChange(textOf(changed)),
    onBlur: () => handlers.current.onLeave(),
  })
  useEffect(() => {
    if (editor && editor.isEditable === readOnly) editor.setEditable(!readOnly, false)
  }, [editor, readOnly])
  // Words that came from elsewhere (the normal report, an older draft) go in without moving the selection elsewhere.
  useEffect(() => {
    if (editor && textOf(editor) !== text) editor.commands.setContent(documentOf(text), { emitUpdate: false })
  }, [editor, text])
  return (
    <section className="report-section">
      <h3 className="label">{label}</h3>
      {/* Until the editor wakes up the words stand in its place, so that nothing moves. */}
      {editor ? <EditorContent editor={editor} /> : <div className="report-text">{text}</div>}
    </section>
  )
}

function documentOf(text: string) {
  return {
    type: 'doc',
    content: text.split('\n').map((line) => ({
      type: 'paragraph',
      content: line === '' ? [] : [{ type: 'text', text: line }],
    })),
  }
}

function textOf(editor: { getText: (options: { blockSeparator: string }) => string }): string {
  return editor.getText({ blockSeparator: '\n' })
}
