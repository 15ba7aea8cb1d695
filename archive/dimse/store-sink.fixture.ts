/** A store service for tests that keeps what comes, as bytes and in memory. */
import type { DicomError } from './dicom-error.ts'
import type { Services } from './services.ts'
import { STATUS } from './status.ts'

export type Kept = {
  readonly sopInstanceUid: string
  readonly transferSyntaxUid: string
  readonly bytes: Buffer
}

export type Shelf = { readonly kept: Kept[]; readonly aborted: DicomError[]; readonly services: Services }

/** `beforeWrite` may wait, to be a slow disk, or throw, to be a full one. */
export function shelf(beforeWrite: () => void | Promise<void> = () => undefined): Shelf {
  const kept: Kept[] = []
  const aborted: DicomError[] = []
  const services: Services = {
    cStore({ sopInstanceUid, context }) {
      const chunks: Buffer[] = []
      return {
        async write(chunk) {
          await beforeWrite()
          chunks.push(Buffer.from(chunk))
        },
        end() {
          kept.push({
            sopInstanceUid,
            transferSyntaxUid: context.transferSyntax,
            bytes: Buffer.concat(chunks),
          })
          return { status: STATUS.success }
        },
        abort: (reason) => void aborted.push(reason),
      }
    },
  }
  return { kept, aborted, services }
}
