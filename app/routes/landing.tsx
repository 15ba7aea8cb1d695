/** `/`: everybody lands on their own list. */
import { data, type LoaderFunctionArgs, redirect } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { placesOf } from '../places.ts'

export async function loader(args: LoaderFunctionArgs) {
  const { person } = await requireUser(args)
  const [first] = placesOf(person.roles)
  if (!first) throw data(null, { status: 404 })
  throw redirect(first.path)
}

export default function Landing() {
  return null
}
