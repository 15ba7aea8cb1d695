/** Keeps the theme somebody chose for this workstation. */
import { type ActionFunctionArgs, data } from 'react-router'
import { THEMES, themeCookie } from '#app/server/theme-cookie.ts'

// Open to anybody: it is chosen on the sign-in page too.
export async function action({ request }: ActionFunctionArgs) {
  const asked = (await request.formData()).get('theme')
  const theme = THEMES.find((each) => each === asked)
  if (!theme) throw data(null, { status: 400 })
  return data(null, { headers: { 'Set-Cookie': themeCookie(theme) } })
}
