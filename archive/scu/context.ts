/** The accepted presentation context that a request goes on. */
import type { Association, PresentationContext } from '../dimse/association.ts'
import { DicomError } from '../dimse/dicom-error.ts'

/** @throws DicomError 'no-presentation-context' when the peer accepted none for it */
export function contextFor(
  association: Association,
  abstractSyntax: string,
  transferSyntax?: string,
): PresentationContext {
  const context = association.context(abstractSyntax, transferSyntax)
  if (!context) throw new DicomError('no-presentation-context', { abstractSyntax, transferSyntax })
  return context
}
