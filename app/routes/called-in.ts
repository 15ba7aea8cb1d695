/** The calls that a person has not answered yet, and their answer, from whatever screen they are at. */
import type { ActionFunctionArgs, LoaderFunctionArgs } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { answerCall } from '#db/mutations/call-ins.ts'
import { openCalls } from '#db/queries/colleagues.ts'
import { RadiologyError } from '#domain/errors.ts'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args)
  return Response.json(await openCalls(server.department.sql, person.id))
}

/** Fields: callId, answer = coming or cannot. */
export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args)
  const form = await args.request.formData()
  const callId = String(form.get('callId') ?? '')
  const said = form.get('answer')
  const answered = await answer(async () => {
    if (said !== 'coming' && said !== 'cannot') throw new RadiologyError('invalid-message', { callId })
    await answerCall(server.department, await act(), { callId, answer: said })
    return {}
  })
  return Response.json(answered)
}
