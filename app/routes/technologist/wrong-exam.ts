/** Images made under another order: which orders they may be of, the move, and its undoing. */
import { type ActionFunctionArgs, data } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { MOVE_REASONS, moveImages, undoMove } from '#db/mutations/moved-images.ts'
import { wrongExam } from '#db/queries/wrong-exam.ts'
import { RadiologyError } from '#domain/errors.ts'
import { rolesWith } from '../../places.ts'

/**
 * `intent`: choices (performedStepId, scanned? = a wristband or an order form; never in an address) ·
 * move (performedStepId, toStepId, reason = wrong-patient or wrong-exam) · undo (moveId).
 */
export async function action(args: ActionFunctionArgs) {
  const { person, server, act } = await requireUser(args, rolesWith('scan-queue'))
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '').trim()
  const performedStepId = text('performedStepId')
  switch (text('intent')) {
    case 'choices':
      return answer(async () => {
        const asked = { performedStepId, scanned: text('scanned'), now: await department.now() }
        const exam = await wrongExam(department.sql, person.actor, asked)
        if (!exam) throw new RadiologyError('not-found', { performedStepId })
        return { exam }
      })
    case 'move':
      return answer(async () => {
        const reason = MOVE_REASONS.find((each) => each === text('reason'))
        if (!reason) throw data(null, { status: 400 })
        const moved = { performedStepId, toStepId: text('toStepId'), reason }
        return moveImages(department, await act(), moved)
      })
    case 'undo':
      return answer(async () => {
        await undoMove(department, await act(), { moveId: text('moveId') })
        return {}
      })
    default:
      throw data(null, { status: 400 })
  }
}
