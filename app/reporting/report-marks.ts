/** What stretches of a section are for, inside the editor: kept as marks there, as offsets into plain text everywhere else. */

import type { Node as DocumentNode } from '@tiptap/pm/model'
import { type JSONContent, Mark } from '@tiptap/react'
import type { MarkedText, TextMark } from '#domain/report-text.ts'

// None of them comes or goes by the clipboard: what is pasted is words.
const plain = { parseHTML: () => [] }

const FieldStretch = Mark.create({
  name: 'field',
  excludes: '',
  ...plain,
  addAttributes: () => ({ label: { default: '' }, options: { default: [] }, coding: { default: undefined } }),
  renderHTML: ({ mark }) => {
    const { label, options } = mark.attrs as { label: string; options: string[] }
    return ['span', { class: 'report-field', title: [label, ...options].filter(Boolean).join('\n') }, 0]
  },
})

const SystemStretch = Mark.create({
  name: 'system',
  inclusive: false,
  excludes: '',
  ...plain,
  renderHTML: () => ['span', { class: 'report-system' }, 0],
})

const MeasurementStretch = Mark.create({
  name: 'measurement',
  inclusive: false,
  excludes: '',
  ...plain,
  addAttributes: () => ({ image: { default: null } }),
  renderHTML: () => ['span', { class: 'report-measurement' }, 0],
})

export const REPORT_MARKS = [FieldStretch, SystemStretch, MeasurementStretch]

/** One paragraph is one line. */
export function documentOf({ text, marks }: MarkedText): JSONContent {
  let start = 0
  const content = text.split('\n').map((line): JSONContent => {
    const paragraph = { type: 'paragraph', content: runsOf(line, start, marks) }
    start += line.length + 1
    return paragraph
  })
  return { type: 'doc', content }
}

function runsOf(line: string, start: number, marks: readonly TextMark[]): JSONContent[] {
  const end = start + line.length
  const here = marks.filter(({ from, to }) => from < end && to > start)
  const cuts = here.flatMap(({ from, to }) => [Math.max(from, start), Math.min(to, end)])
  const edges = [...new Set([start, ...cuts, end])].sort((one, other) => one - other)
  return edges.slice(0, -1).flatMap((from, n) => {
    const to = edges[n + 1]!
    const text = line.slice(from - start, to - start)
    if (!text) return []
    const on = here.filter((mark) => mark.from <= from && mark.to >= to)
    return [{ type: 'text', text, marks: on.map(editorMark) }]
  })
}

function editorMark(mark: TextMark): { type: string; attrs?: Record<string, unknown> } {
  if (mark.kind === 'field') {
    const { label, options, coding } = mark
    return { type: 'field', attrs: { label, options, coding } }
  }
  return mark.kind === 'measurement'
    ? { type: 'measurement', attrs: { image: mark.image } }
    : { type: 'system' }
}

/** The words with what their stretches are for, in the order in which they begin. */
export function markedText(document: DocumentNode): MarkedText {
  const lines: string[] = []
  const marks: TextMark[] = []
  let offset = 0
  document.forEach((paragraph) => {
    let line = ''
    paragraph.forEach((run) => {
      const words = run.isText ? (run.text ?? '') : '\n'
      const from = offset + line.length
      for (const { type, attrs } of run.marks)
        note(marks, { ...attrs, kind: type.name, from, to: from + words.length } as TextMark)
      line += words
    })
    lines.push(line)
    offset += line.length + 1
  })
  return {
    text: lines.join('\n'),
    marks: marks.sort((one, other) => one.from - other.from || other.to - one.to),
  }
}

/** Runs of the same stretch are one; the department's words go on over the end of a line. */
function note(marks: TextMark[], next: TextMark): void {
  const gap = next.kind === 'system' ? 1 : 0
  const before = marks.findLast(
    ({ kind, to }) => kind === next.kind && (to === next.from || to === next.from - gap),
  )
  if (before && sameStretch(before, next)) before.to = next.to
  else marks.push(next)
}

function sameStretch({ from: _from, to: _to, ...one }: TextMark, { from, to, ...other }: TextMark): boolean {
  return JSON.stringify(one, Object.keys(one).sort()) === JSON.stringify(other, Object.keys(other).sort())
}

export interface Stretch {
  from: number
  to: number
}

/** Fields in the editor's own positions, first to last. */
export function fieldsIn(
  document: DocumentNode,
): (Stretch & { label: string; options: readonly string[] })[] {
  const found: (Stretch & { label: string; options: readonly string[] })[] = []
  document.descendants((run, position) => {
    const mark = run.marks.find(({ type }) => type.name === 'field')
    if (!mark) return
    const last = found.at(-1)
    const { label, options } = mark.attrs as { label: string; options: string[] }
    if (last && last.to === position && last.label === label) last.to = position + run.nodeSize
    else found.push({ from: position, to: position + run.nodeSize, label, options })
  })
  return found
}
