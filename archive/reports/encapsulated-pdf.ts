/** A report version's PDF inside a DICOM object (PS3.3 A.45.1): a rendering of the document beside it. */
import type { Dataset } from '#archive/dimse/dataset.ts'
import type { ReportObject } from '#db/queries/report-objects.ts'
import { isVerified, REPORT_OBJECT_CLASSES, REPORT_TITLE } from '#domain/report-object.ts'
import { coded, reportDataset, SERIES_NUMBERS, sopReference } from './report-modules.ts'

export function encapsulatedPdf(object: ReportObject, pdf: Buffer): Dataset {
  return reportDataset(object, {
    Modality: 'DOC',
    SeriesNumber: SERIES_NUMBERS.pdf,
    SeriesDescription: 'Report as PDF',
    // Made of data, by no scanner of paper or film (PS3.3 C.8.6.1).
    ConversionType: 'WSD',
    AcquisitionDateTime: null,
    // It names its patient on the page.
    BurnedInAnnotation: 'YES',
    SourceInstanceSequence: [sopReference(REPORT_OBJECT_CLASSES.sr, object.document.sopInstanceUid)],
    DocumentTitle: 'Radiology report',
    ConceptNameCodeSequence: [coded(REPORT_TITLE)],
    VerificationFlag: isVerified(object.versionKind) ? 'VERIFIED' : 'UNVERIFIED',
    MIMETypeOfEncapsulatedDocument: 'application/pdf',
    EncapsulatedDocumentLength: pdf.length,
    EncapsulatedDocument: pdf.length % 2 === 0 ? pdf : Buffer.concat([pdf, Buffer.alloc(1)]),
  })
}
