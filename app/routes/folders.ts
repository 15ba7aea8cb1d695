/** The folders that somebody keeps cases in: which have an order, and puts it in or takes it out, without a page to load again. */
import { type ActionFunctionArgs, data, type LoaderFunctionArgs } from 'react-router'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { putInFolder, retireFolder, takeOutOfFolder } from '#db/mutations/case-folders.ts'
import { foldersOf } from '#db/queries/case-folders.ts'
import { rolesWith } from '../places.ts'

/** `?order=`: which of the folders have it. */
export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('orders'))
  return Response.json(await folders(signedIn, new URL(args.request.url).searchParams.get('order')))
}

/** `orderId`, `folderId`, and by `intent`: `put` (or `name`, of a folder that may be new), `take`, `retire`. */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('orders'))
  const { server, act } = signedIn
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '')
  const [orderId, folderId] = [text('orderId'), text('folderId')]
  const done = await answer(async () => {
    switch (text('intent')) {
      case 'put':
        await putInFolder(department, await act(), {
          orderId,
          ...(folderId === '' ? { name: text('name') } : { folderId }),
        })
        return folders(signedIn, orderId)
      case 'take':
        await takeOutOfFolder(department, await act(), { folderId, orderId })
        return folders(signedIn, orderId)
      case 'retire':
        await retireFolder(department, await act(), { folderId })
        return folders(signedIn, orderId)
      default:
        throw data(null, { status: 400 })
    }
  })
  return Response.json(done)
}

async function folders({ person, server }: SignedIn, orderId: string | null) {
  return { folders: await foldersOf(server.department.sql, person.id, { orderId }) }
}
