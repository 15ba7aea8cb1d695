/** What the viewer asks for when it boots and gives back when its reader changes it: keys, and how images are hung. */
import { type ActionFunctionArgs, data, type LoaderFunctionArgs } from 'react-router'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { keepHanging, keepViewerKeys } from '#db/mutations/viewer-settings.ts'
import { hangingFor, type LaunchedProcedure, launchedProcedure } from '#db/queries/viewer-settings.ts'
import type { ViewerPlace } from '#domain/hanging-layout.ts'
import { can } from '#domain/permissions.ts'
import { hangingProtocol, PLAIN_LAYOUT } from '../../viewer/hanging-protocol.ts'

/** @returns `keys` by command, `protocol` to hang by, and whether this person may keep a layout or mark images */
export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args)
  const { person, server } = signedIn
  const procedure = await ofThisLaunch(args, signedIn)
  const place = placeIn(new URL(args.request.url).searchParams.get('place'))
  const kept = await hangingFor(server.department.sql, { userId: person.id, procedure, place })
  return Response.json(
    {
      keys: person.settings.viewerKeys ?? {},
      protocol: hangingProtocol(kept?.layout ?? PLAIN_LAYOUT),
      procedure: procedure.text,
      reader: procedure.reader,
      mayKeepHanging: can(person.actor, 'keep-hanging', { ownerId: person.id }).allowed,
      mayMark: can(person.actor, 'mark-images', { siteId: procedure.siteId }).allowed,
    },
    { headers: { 'Cache-Control': 'no-store' } },
  )
}

/** JSON by `intent`: `keys` (keys), `hanging` (place, layout). */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args)
  const { server, act } = signedIn
  const { department } = server
  const said = await args.request.json().catch(() => null)
  const { modality, scheme, code } = await ofThisLaunch(args, signedIn)
  const answered = await answer(async () => {
    if (said?.intent === 'keys') await keepViewerKeys(department, await act(), said.keys)
    else if (said?.intent === 'hanging')
      await keepHanging(department, await act(), {
        modality,
        procedure: { scheme, code },
        place: placeIn(said.place),
        layout: said.layout,
      })
    else throw data(null, { status: 400 })
    return {}
  })
  return Response.json(answered, { status: answered.ok ? 200 : 409 })
}

// Settings hang on a launch: it says of which procedure the images are, and it is this session's or none at all.
async function ofThisLaunch(
  { params }: Pick<LoaderFunctionArgs, 'params'>,
  { person, server }: SignedIn,
): Promise<LaunchedProcedure> {
  const launchId = params.launchId ?? ''
  const found = await launchedProcedure(server.department.sql, { launchId, sessionId: person.sessionId })
  if (!found) throw data(null, { status: 404 })
  return found
}

const placeIn = (said: unknown): ViewerPlace => (said === 'own-window' ? 'own-window' : 'beside')
