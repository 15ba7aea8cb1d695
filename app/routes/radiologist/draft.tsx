/** Keeps the words being written, without a page to load again: every two seconds from an open report. */
import type { ActionFunctionArgs } from 'react-router'
import { keepDraft } from '#app/server/drafts.ts'
import { requireUser } from '#app/server/guard.ts'

/**
 * Fields `itemId`, `fence`, `reportId`, `sections` (JSON), `window` and `revision`; a stale writer's words, or a stale
 * window's, are kept aside and the refusal says so.
 */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, ['radiologist', 'resident'])
  const form = await args.request.formData()
  return Response.json(await keepDraft(signedIn, form))
}
