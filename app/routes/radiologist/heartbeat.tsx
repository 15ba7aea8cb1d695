/** Renews the lease of a case that stands on a screen, and says when by the department's clock. */
import type { ActionFunctionArgs } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { heartbeat } from '#db/mutations/work-items.ts'

export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args)
  const form = await args.request.formData()
  const held = { itemId: String(form.get('itemId')), fence: Number(form.get('fence')) }
  const answered = await answer(async () => {
    await heartbeat(server.department, await act(), held)
    return { renewedAt: (await server.department.now()).toISOString() }
  })
  return Response.json(answered)
}
