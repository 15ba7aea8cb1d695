/** A repeat that a reader asked for is answered by being made. */
import type { Scope } from './mutate.ts'

/** Answers the question that asked for this step, if one did. */
export async function answerByRetake(scope: Scope, stepId: string): Promise<void> {
  const { sql, act } = scope
  const made = await sql<{ id: string; order_id: string; study_id: string }[]>`
    update returns set answered_at = ${act.now}, answered_by = ${act.actor.id}, answer = 'retaken'
    where step_id = ${stepId} and answered_at is null returning id, order_id, study_id`
  for (const { id, order_id, study_id } of made) {
    scope.append(order_id, {
      type: 'return.answered',
      data: { returnId: id, studyId: study_id, kind: 'retake', answer: 'retaken' },
    })
    scope.announce('returns')
  }
}
