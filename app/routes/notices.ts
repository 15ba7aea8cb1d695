/** A person's unseen notices, for a bar that is on the screen already; and that they have seen them. */
import type { ActionFunctionArgs, LoaderFunctionArgs } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { seeNotices } from '#db/mutations/notices.ts'
import { unseenNotices } from '#db/queries/notices.ts'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args)
  return Response.json(await unseenNotices(server.department.sql, person.id))
}

/** Field `itemIds`, divided by spaces. */
export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args)
  const form = await args.request.formData()
  const itemIds = String(form.get('itemIds') ?? '').split(' ')
  await seeNotices(server.department, await act(), { itemIds })
  return Response.json({ ok: true })
}
