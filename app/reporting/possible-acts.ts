/** What the report's table allows a reader to do with it now: a button that would be refused is not there. */
import { type ReportEvent, report } from '#domain/report.ts'
import type { ReportState } from '#domain/words.ts'

export interface PossibleActs {
  wetRead: boolean
  preliminary: boolean
  submit: boolean
  sendBack: boolean
}

/** @param state null before anybody wrote */
export function possibleActs({ kind, state }: { kind: string; state: ReportState | null }): PossibleActs {
  const changes = (event: ReportEvent) =>
    report(state, event, {
      ...{ byAuthor: false, amendmentOpen: false, released: true, versionOut: true },
      ...{ repeat: false, identityTrusted: true, checksPassed: true },
    }).outcome === 'changed'
  // Whoever checks another's words signs them or sends them back; handing them further on is nobody's wish.
  const isFirst = kind === 'read' || kind === 'sent-back'
  return {
    wetRead: kind === 'read' && changes('wet-read'),
    preliminary: isFirst && changes('preliminary'),
    submit: isFirst && changes('submit'),
    sendBack: !isFirst && changes('send-back'),
  }
}
