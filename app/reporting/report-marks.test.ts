import { Document } from '@tiptap/extension-document'
import { Paragraph } from '@tiptap/extension-paragraph'
import { Text } from '@tiptap/extension-text'
import { getSchema } from '@tiptap/react'
import { expect, test } from 'vitest'
import { joined, type MarkedText } from '#domain/report-text.ts'
import { documentOf, markedText, REPORT_MARKS } from './report-marks.ts'

test('[RP-01] what a field means is not lost while somebody writes around it', () => {
  const none = { scheme: 'RADLEX', value: 'RID28454', meaning: 'none' }
  const coding = {
    codes: [{ scheme: 'RADLEX', value: 'RID4700', meaning: 'hemorrhage' }],
    options: { None: none },
  }
  const field = { kind: 'field' as const, from: 0, to: 4, label: 'Haemorrhage', options: ['None'] }
  const words: MarkedText = joined([
    { text: 'Haemorrhage: ', marks: [] },
    { text: 'None', marks: [{ ...field, coding }] },
    { text: '\nLiver ', marks: [] },
    { text: 'fine', marks: [field] },
  ])
  const schema = getSchema([Document, Paragraph, Text, ...REPORT_MARKS])
  const back = markedText(schema.nodeFromJSON(documentOf(words)))
  expect(JSON.parse(JSON.stringify(back))).toEqual(words)
})
