/** Sets a case aside for a moment and says what waits, without a page to load again. */
import { type ActionFunctionArgs, data, type LoaderFunctionArgs } from 'react-router'
import { z } from 'zod'
import { requireUser } from '#app/server/guard.ts'
import { waitingCases } from '#app/server/parked.ts'
import { answer } from '#app/server/refusal.ts'
import { bringBack, park } from '#db/mutations/parking.ts'
import { release } from '#db/mutations/work-items.ts'

const READERS = ['radiologist', 'resident'] as const

export async function loader(args: LoaderFunctionArgs) {
  return { cases: await waitingCases(await requireUser(args, READERS)) }
}

/** What a viewer says of its grid is a few kilobytes; a case's place is no store for anything else. */
const LONGEST_PLACE = 60_000
const offset = z.number().int().min(0)
const place = z.object({
  cursor: z.object({ section: z.string().max(64), from: offset, to: offset }).nullable(),
  layout: z.record(z.string(), z.unknown()).nullable(),
})

/** `itemId`, `fence`, and by `intent`: `park` (place; `instead`, an item that is brought back for it), `give-back`. */
export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args, READERS)
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '')
  const held = { itemId: text('itemId'), fence: Number(text('fence')) }
  if (text('intent') === 'give-back')
    return Response.json(
      await answer(async () => {
        await release(server.department, await act(), held)
        return {}
      }),
    )
  if (text('intent') !== 'park') throw data(null, { status: 400 })
  const where = placeOf(text('place'))
  const setAside = async () => park(server.department, await act(), { ...held, place: where })
  const instead = text('instead')
  if (!instead) return Response.json(await answer(async () => ({ until: await setAside() })))
  return Response.json(
    await answer(async () => {
      // The one that comes back makes room for this one; this one may be somebody else's by now, and that is said there.
      const back = await bringBack(server.department, await act(), { itemId: instead })
      await answer(setAside)
      return { place: back.place }
    }),
  )
}

function placeOf(said: string) {
  const read = said.length > LONGEST_PLACE ? null : place.safeParse(parsed(said))
  if (!read?.success) throw data(null, { status: 400 })
  return read.data
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}
