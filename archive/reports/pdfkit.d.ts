/** As much of pdfkit as a report is written with; the package brings no types of its own. */
declare module 'pdfkit' {
  export interface TextOptions {
    width?: number
    continued?: boolean
    lineBreak?: boolean
    lineGap?: number
  }

  export interface StructureElement {
    add(child: StructureElement | (() => void)): this
    end(): void
  }

  export interface DocumentOptions {
    pdfVersion: '1.7'
    subset: 'PDF/UA'
    tagged: true
    lang: string
    displayTitle: true
    size: 'A4'
    margins: { top: number; bottom: number; left: number; right: number }
    bufferPages: true
    font: null
    info: Record<string, string | Date>
  }

  export default class PDFDocument {
    constructor(options: DocumentOptions)
    page: {
      width: number
      height: number
      margins: { top: number; bottom: number; left: number; right: number }
    }
    x: number
    y: number
    on(event: 'data', listener: (bytes: Buffer) => void): this
    on(event: 'end', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    registerFont(name: string, bytes: Buffer): this
    font(name: string): this
    fontSize(points: number): this
    fillColor(color: string): this
    text(text: string, x?: number | TextOptions, y?: number, options?: TextOptions): this
    heightOfString(text: string, options?: TextOptions): number
    moveDown(lines?: number): this
    moveTo(x: number, y: number): this
    lineTo(x: number, y: number): this
    lineWidth(points: number): this
    strokeColor(color: string): this
    stroke(): this
    struct(type: string, children?: (() => void) | StructureElement[]): StructureElement
    addStructure(element: StructureElement): this
    markContent(tag: string, options?: { type?: string }): this
    endMarkedContent(): this
    bufferedPageRange(): { start: number; count: number }
    switchToPage(index: number): unknown
    addPage(): this
    end(): void
  }
}
