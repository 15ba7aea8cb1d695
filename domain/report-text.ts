/** A section's words while they are being written: plain text, and beside it what stretches of it are for. */
import type { Code } from './report-object.ts'

/** A field that nobody has filled; whatever still holds it is no final word. */
export const OPEN_FIELD = '[…]'
/** Letters of a code that a template may bring and a draft may carry. */
export const LONGEST_CODE = { scheme: 16, value: 128, meaning: 256 } as const
/** Terms of one field. */
export const MOST_CODES = 16

interface Stretch {
  /** Offsets into the text, a line break counting one; `to` is behind the last character. */
  from: number
  to: number
}

/** To be filled in: the keys go from one to the next. */
export type FieldMark = Stretch & { kind: 'field' } & FieldKept
interface FieldKept {
  label: string
  options: readonly string[]
  coding?: FieldCoding
}
/** What a field and its answers mean, where its template says so. */
export interface FieldCoding {
  codes: readonly Code[]
  /** By the option's own words. */
  options: Readonly<Record<string, Code>>
}
/** Written by the department and not yet touched by whoever signs. */
export type SystemMark = Stretch & { kind: 'system' }
/** Measured on an image: the way back to it. */
export type MeasurementMark = Stretch & { kind: 'measurement'; image: MeasuredImage }
export type TextMark = FieldMark | SystemMark | MeasurementMark

export interface MeasuredImage {
  studyUid: string
  seriesUid: string
  sopInstanceUid: string
  /** From 1 (Referenced Frame Number). */
  frame: number
  /** The viewer's own id of it, as long as that window stands. */
  measurementId: string
}

export interface MarkedText {
  text: string
  marks: readonly TextMark[]
}

/** A draft's section. */
export interface DraftSection {
  key: string
  text: string
  marks?: readonly TextMark[]
}

/** A version's: its words, and what the coded ones among them mean. */
export interface WrittenSection {
  key: string
  text: string
  fields?: readonly CodedField[]
}

/** A stretch of a version's words that answers a coded field of a template. */
export type CodedField = Stretch & FieldKept & { coding: FieldCoding }

/** What is signed, hashed and sent: the words, and of all that lay on them the codes. */
export function plainSections(sections: readonly DraftSection[]): WrittenSection[] {
  return sections.map(({ key, text, marks = [] }) => {
    const fields = marks.flatMap((mark): CodedField[] => {
      if (mark.kind !== 'field' || !mark.coding) return []
      // A field that nobody filled has no answer.
      if (['', OPEN_FIELD].includes(text.slice(mark.from, mark.to).trim())) return []
      const { from, to, label, options, coding } = mark
      return [{ from, to, label, options, coding }]
    })
    return fields.length > 0 ? { key, text, fields } : { key, text }
  })
}

/** Signed words that are written on: what was coded in them is again. */
export function draftSections(sections: readonly WrittenSection[]): DraftSection[] {
  return sections.map(({ key, text, fields }) =>
    fields ? { key, text, marks: fields.map((field) => ({ kind: 'field', ...field })) } : { key, text },
  )
}

/** The first field that nobody has filled. */
export function openField(
  sections: readonly { key: string; text: string }[],
): { section: string; word: string; index: number } | null {
  for (const { key, text } of sections) {
    const index = text.indexOf(OPEN_FIELD)
    if (index >= 0) return { section: key, word: OPEN_FIELD, index }
  }
  return null
}

/** One after the other, with their marks moved along. */
export function joined(parts: readonly MarkedText[], separator = ''): MarkedText {
  return parts.reduce<MarkedText>(
    (before, { text, marks }) => {
      const start = before.text === '' && before.marks.length === 0 ? '' : before.text + separator
      return {
        text: start + text,
        marks: [...before.marks, ...marks.map((mark) => moved(mark, start.length))],
      }
    },
    { text: '', marks: [] },
  )
}

const moved = <T extends TextMark>(mark: T, by: number): T => ({
  ...mark,
  from: mark.from + by,
  to: mark.to + by,
})

/** The whole of it as the department's word. */
export function bySystem({ text, marks }: MarkedText): MarkedText {
  return text === ''
    ? { text, marks }
    : { text, marks: [{ kind: 'system', from: 0, to: text.length }, ...marks] }
}

export interface FieldSaid extends FieldKept {
  /** What stands in it before anybody has touched it. */
  value: string
}

export function fieldText({ label, value, options, coding }: FieldSaid): MarkedText {
  const text = value || OPEN_FIELD
  const mark = { kind: 'field' as const, from: 0, to: text.length, label, options }
  return { text, marks: [coding ? { ...mark, coding } : mark] }
}

/**
 * A macro's words with its fields: `[normal]` is one that says "normal" until it is changed, `[left|right]` one to choose
 * in, `[]` an open one. A bracket without its partner is a bracket.
 */
export function macroText(words: string): MarkedText {
  const parts: MarkedText[] = []
  let at = 0
  for (const { 0: whole, 1: inside = '', index } of words.matchAll(/\[([^[\]\n]*)\]/g)) {
    parts.push({ text: words.slice(at, index), marks: [] }, fieldText(fieldIn(inside.trim())))
    at = index + whole.length
  }
  return joined([...parts, { text: words.slice(at), marks: [] }])
}

function fieldIn(inside: string): FieldSaid {
  const options = inside.split('|').map((option) => option.trim())
  if (options.length > 1) return { label: options.join(' / '), value: '', options: options.filter(Boolean) }
  return { label: inside, value: inside === '…' ? '' : inside, options: [] }
}
