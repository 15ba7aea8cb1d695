/** A report's page as a tagged PDF (ISO 14289-1, PDF/UA): headings, a table of facts, paragraphs; every font inside the file. */
import PDFDocument, { type StructureElement, type TextOptions } from 'pdfkit'
import { runsOf } from './report-fonts.ts'
import type { ReportPage } from './report-page.ts'

const MARGIN = 56
const LABEL_WIDTH = 110
const FOOTER_HEIGHT = 40

const INK = '#111111'
const QUIET = '#555555'

/** The same page makes the same bytes. */
export async function reportPdf(page: ReportPage): Promise<Buffer> {
  const document = new PDFDocument({
    pdfVersion: '1.7',
    subset: 'PDF/UA',
    tagged: true,
    lang: 'en',
    displayTitle: true,
    size: 'A4',
    margins: { top: MARGIN, left: MARGIN, right: MARGIN, bottom: MARGIN + FOOTER_HEIGHT },
    bufferPages: true,
    font: null,
    info: {
      Title: page.title,
      Producer: 'Isocenter',
      Creator: 'Isocenter',
      CreationDate: page.at,
      ModDate: page.at,
    },
  })
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const bytes: Buffer[] = []
  document.on('data', (some) => bytes.push(some))
  document.on('end', () => resolve(Buffer.concat(bytes)))
  document.on('error', reject)
  const root = document.struct('Document')
  document.addStructure(root)
  const pen = { document, root }
  head(pen, page)
  facts(pen, page)
  for (const section of page.sections) written(pen, section)
  root.end()
  footers(document, page)
  document.end()
  return promise
}

interface Pen {
  document: PDFDocument
  root: StructureElement
}

function head({ document, root }: Pen, { title, institution, standing }: ReportPage): void {
  root.add(document.struct('P', () => draw(document, institution, { size: 10, color: QUIET })))
  root.add(document.struct('H1', () => draw(document, title, { size: 20 })))
  if (standing !== null) root.add(document.struct('P', () => draw(document, standing, { size: 12 })))
  document.moveDown(0.5)
}

function facts({ document, root }: Pen, page: ReportPage): void {
  const table = document.struct('Table')
  root.add(table)
  for (const { label, value } of page.facts) {
    const row = document.struct('TR')
    table.add(row)
    const top = document.y
    row.add(document.struct('TH', () => draw(document, label, { size: 10, color: QUIET, at: [MARGIN, top] })))
    row.add(document.struct('TD', () => draw(document, value, { size: 10, at: [MARGIN + LABEL_WIDTH, top] })))
    row.end()
    document.moveDown(0.2)
  }
  table.end()
  document.x = MARGIN
}

function written({ document, root }: Pen, { heading, by, text }: ReportPage['sections'][number]): void {
  document.moveDown(0.8)
  root.add(document.struct('H2', () => draw(document, heading, { size: 13 })))
  if (by !== null) root.add(document.struct('P', () => draw(document, by, { size: 9, color: QUIET })))
  for (const paragraph of text.split(/\r?\n/)) {
    if (paragraph.trim() === '') document.moveDown(0.5)
    else root.add(document.struct('P', () => draw(document, paragraph, { size: 11 })))
  }
}

interface Style {
  size: number
  color?: string
  at?: readonly [x: number, y: number]
}

/** One line after another, each character by the font that has it. */
function draw(document: PDFDocument, text: string, { size, color = INK, at }: Style): void {
  const runs = runsOf(text)
  const [x, y] = at ?? [MARGIN, document.y]
  const width = document.page.width - MARGIN - x
  document.fontSize(size).fillColor(color)
  runs.forEach((run, index) => {
    const options: TextOptions = { width, lineGap: 1, continued: index < runs.length - 1 }
    document.registerFont(run.font.name, run.font.bytes).font(run.font.name)
    if (index === 0) document.text(run.text, x, y, options)
    else document.text(run.text, options)
  })
}

// Numbers of pages and the hash are no part of what is read aloud: artifacts (ISO 32000-1 14.8.2.2).
function footers(document: PDFDocument, { footer }: ReportPage): void {
  const { start, count } = document.bufferedPageRange()
  for (let index = start; index < start + count; index += 1) {
    document.switchToPage(index)
    const { margins, height } = document.page
    margins.bottom = 0
    document.markContent('Artifact', { type: 'Pagination' })
    draw(document, footer, { size: 7.5, color: QUIET, at: [MARGIN, height - MARGIN - 14] })
    draw(document, `Page ${index + 1} of ${count}`, {
      size: 7.5,
      color: QUIET,
      at: [MARGIN, height - MARGIN],
    })
    document.endMarkedContent()
  }
}
