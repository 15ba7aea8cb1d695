/** The report as a PDF, read back as a reader program reads it. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readPdf } from './pdf-text.fixture.ts'
import { renderReport } from './render-report.ts'
import { MISSING } from './report-fonts.ts'
import type { ReportPage } from './report-page.ts'
import { reportPdf } from './report-pdf.ts'

const page = (more: Partial<ReportPage> = {}): ReportPage => ({
  title: 'Radiology report',
  institution: 'Main hospital',
  standing: null,
  facts: [{ label: 'Patient', value: 'YAMADA, TAROU · 山田, 太郎 · 홍, 길동' }],
  sections: [{ heading: 'Findings', by: null, text: 'Kein Ödem, 3 µm.\nWałęsa; α-Strahlung; Ō.' }],
  footer: 'Version 1 · SHA-256 of the signed content 00ff',
  at: new Date('2026-11-22T09:15:00Z'),
  ...more,
})

test('[RP-05] the PDF of a report is tagged, says its language and title, and carries every font it uses', async () => {
  const { text, fonts, structure, source } = readPdf(await reportPdf(page()))
  expect(source).toMatch(/\/Lang \(en\)/)
  expect(source).toMatch(/\/Marked true/)
  expect(source).toMatch(/\/DisplayDocTitle true/)
  expect(source).toContain('<pdfuaid:part>1</pdfuaid:part>')
  expect(source).toContain('Radiology report')
  expect(structure).toEqual(expect.arrayContaining(['Document', 'H1', 'H2', 'P', 'Table', 'TR', 'TH', 'TD']))
  expect(fonts.named).toBeGreaterThan(2)
  expect(fonts.embedded).toBe(fonts.named)
  const said = text.replace(/\n/g, '')
  for (const words of [
    'YAMADA, TAROU',
    '山田',
    '太郎',
    '홍',
    '길동',
    'Kein Ödem, 3 µm.',
    'Wałęsa',
    'α-Strahlung',
  ])
    expect(said).toContain(words)
})

test('[RP-05] a character that no font here has is seen as missing, and the same page makes the same bytes', async () => {
  const odd = page({ facts: [{ label: 'Patient', value: 'A \u{13080} B' }] })
  const bytes = await reportPdf(odd)
  expect(readPdf(bytes).text).toContain(MISSING)
  expect((await reportPdf(odd)).equals(bytes)).toBe(true)
  expect((await renderReport(odd)).equals(bytes)).toBe(true)
})

test.runIf(existsSync('/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'))(
  '[RP-05] an Arabic name is drawn where the machine has a font for it, its words from right to left',
  async () => {
    const { text, fonts } = readPdf(
      await reportPdf(page({ facts: [{ label: 'Patient', value: 'فاطمة حسن' }] })),
    )
    expect(text).not.toContain(MISSING)
    for (const letter of 'حسن') expect(text).toContain(letter)
    expect(fonts.embedded).toBe(fonts.named)
  },
)

test('[RP-05] a long report goes on over pages, each with its number and the hash', async () => {
  const text = Array.from({ length: 120 }, (_, line) => `Line ${line} of the findings.`).join('\n')
  const read = readPdf(await reportPdf(page({ sections: [{ heading: 'Findings', by: null, text }] })))
  expect(read.text).toContain('Line 119 of the findings.')
  const [, pages = ''] = /Page 1 of (\d+)/.exec(read.text) ?? []
  expect(Number(pages)).toBeGreaterThan(1)
  expect(read.text.match(/SHA-256 of the signed content 00ff/g)).toHaveLength(Number(pages))
})
