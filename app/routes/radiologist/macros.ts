/** Keeps and drops a reader's macros; the room that asked loads again with what there is. */
import { type ActionFunctionArgs, data } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { dropMacro, keepMacro } from '#db/mutations/report-macros.ts'

/** By `intent`: `keep` (name, text, shared), `drop` (macroId). */
export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args, ['radiologist', 'resident'])
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '')
  switch (text('intent')) {
    case 'keep': {
      const macro = { name: text('name'), text: text('text'), shared: text('shared') === 'true' }
      return answer(async () => keepMacro(server.department, await act(), macro))
    }
    case 'drop':
      return answer(async () => {
        await dropMacro(server.department, await act(), { macroId: text('macroId') })
        return {}
      })
    default:
      throw data(null, { status: 400 })
  }
}
