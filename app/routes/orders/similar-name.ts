/** Notes that the person looked at a similar name; the banner then shows it no more to them on this order. */
import { type ActionFunctionArgs, redirect } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { noteSimilarSeen } from '#db/mutations/similar-names.ts'

/** Field: patientId, the other person's. */
export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args)
  const patientId = String((await args.request.formData()).get('patientId') ?? '')
  const orderId = args.params.orderId ?? ''
  return answer(async () => {
    await noteSimilarSeen(server.department, await act(), { orderId, patientId })
    return {}
  })
}

export function loader() {
  throw redirect('/')
}
