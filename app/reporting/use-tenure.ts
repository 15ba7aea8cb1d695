/** Whose words stand in the fields: one key for the tenure of a case or of a report. */
import { useState } from 'react'

/**
 * Another case, or the same one claimed anew, is another room: nothing of the last may stay in its fields.
 * A claim that was lost is not: the words must stay before the eyes of whoever wrote them.
 */
export function useTenure(
  held: { id: string; fence: number },
  isMine: boolean,
  reportId: string | null = null,
): string {
  // Withdrawn under a reader's hands, the exam has a new report: nothing of the last may go into it.
  const own = isMine ? `${held.id} ${held.fence} ${reportId ?? ''}` : null
  const [tenure, setTenure] = useState(own ?? held.id)
  const now = own ?? (tenure.startsWith(held.id) ? tenure : held.id)
  if (now !== tenure) setTenure(now)
  return now
}
