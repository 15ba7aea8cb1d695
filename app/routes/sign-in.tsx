/** Is this the right department, does it work, is my draft safe? Then: user name, password. */
import './sign-in.css'
import { useState } from 'react'
import {
  type ActionFunctionArgs,
  Form,
  type LoaderFunctionArgs,
  redirect,
  useActionData,
  useLoaderData,
  useNavigation,
} from 'react-router'
import { requestContext, serverContext } from '#app/server/context.ts'
import { findPerson, safeReturnPath } from '#app/server/guard.ts'
import { sessionCookie } from '#app/server/session-cookie.ts'
import { signIn } from '#db/mutations/sessions.ts'
import { sites } from '#db/queries/sites.ts'
import { t } from '../strings/words.ts'
import { Keys } from '../ui/button.tsx'
import { clockTime, dayOf, zoneName } from '../ui/format.ts'
import { Glyph, Mark } from '../ui/glyph.tsx'
import { ThemeChoice } from '../ui/theme-choice.tsx'

export async function loader({ request, context }: LoaderFunctionArgs) {
  const server = context.get(serverContext)
  const url = new URL(request.url)
  const to = safeReturnPath(url.searchParams.get('to'))
  if (await findPerson(request, server)) throw redirect(to)
  const [site] = await sites(server.department.sql)
  return {
    department: site?.name ?? t('app.name'),
    zone: site?.zone ?? 'UTC',
    departmentNow: (await server.department.now()).toISOString(),
    isDemo: server.isDemo,
    isOut: url.searchParams.has('out'),
    to,
  }
}

export async function action({ request, context }: ActionFunctionArgs) {
  const { department, secure } = context.get(serverContext)
  const form = await request.formData()
  const result = await signIn(department, {
    userName: String(form.get('userName') ?? '').trim(),
    password: String(form.get('password') ?? ''),
    address: context.get(requestContext).ip,
  })
  if (!result.ok) {
    const { waitSeconds: seconds } = result
    return { problem: seconds > 0 ? t('sign-in.wait', { seconds }) : t('sign-in.refused') }
  }
  return redirect(safeReturnPath(String(form.get('to') ?? '')), {
    headers: { 'Set-Cookie': sessionCookie(result.token, { secure }) },
  })
}

export function meta() {
  return [{ title: `${t('sign-in.title')} · ${t('app.name')}` }]
}

export default function SignIn() {
  const { department, departmentNow, zone, isDemo, isOut, to } = useLoaderData<typeof loader>()
  const problem = useActionData<typeof action>()?.problem
  const busy = useNavigation().state !== 'idle'
  const [capsLock, setCapsLock] = useState(false)
  const now = new Date(departmentNow)
  return (
    <div className="sign-in">
      <main id="content">
        <Rings />
        <Form method="post" className="sign-in-card" aria-label={t('sign-in.title')}>
          <h1>
            <Mark />
            {t('app.name')}
          </h1>
          <p className="text-2">{t('sign-in.department', { department })}</p>
          <input type="hidden" name="to" value={to} />
          <div className="field">
            <label htmlFor="userName">{t('sign-in.user-name')}</label>
            <input
              id="userName"
              name="userName"
              className="input"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              required
              ref={focusOnce}
            />
          </div>
          <div className="field">
            <label htmlFor="password">{t('sign-in.password')}</label>
            <input
              id="password"
              name="password"
              type="password"
              className="input"
              autoComplete="current-password"
              required
              aria-invalid={problem ? true : undefined}
              aria-describedby="sign-in-note"
              onKeyUp={(event) => setCapsLock(event.getModifierState('CapsLock'))}
            />
          </div>
          {/* The line is reserved, so that nothing moves when a hint comes. */}
          <p
            id="sign-in-note"
            className={problem ? 'sign-in-note late' : 'sign-in-note risk'}
            role={problem ? 'alert' : 'status'}
          >
            {problem || capsLock ? <Glyph name="look" /> : null}
            {problem ?? (capsLock ? t('sign-in.caps-lock') : '')}
          </p>
          <button type="submit" className="button primary big wide" aria-busy={busy || undefined}>
            {t('sign-in.submit')}
            <Keys chord="Enter" />
          </button>
          <p className="small text-3">
            {isOut ? t('sign-in.signed-out') : to !== '/' ? t('sign-in.go-on') : ' '}
          </p>
        </Form>
      </main>
      <footer className="sign-in-foot">
        <span>
          <i className="dot" />
          {t('sign-in.working', { time: clockTime(now, zone, { seconds: true }) })}
        </span>
        {isDemo ? (
          <span>
            <Glyph name="look" />
            {t('banner.demonstration')} {t('banner.demonstration-still')}
          </span>
        ) : null}
        <span>{t('sign-in.not-cleared')}</span>
        <span className="push">
          {t('sign-in.zone', {
            day: dayOf(now, zone, new Date(0)),
            time: clockTime(now, zone),
            zone: zoneName(now, zone),
          })}
        </span>
        <ThemeChoice />
      </footer>
    </div>
  )
}

// The page has one purpose; a field that asks for focus in its markup would take it from a reader's own reading order.
function focusOnce(field: HTMLInputElement | null): void {
  if (field && document.activeElement === document.body) field.focus()
}

/** The isocentre: decoration, so nothing but lines. */
function Rings() {
  return (
    <svg
      className="sign-in-rings"
      viewBox="0 0 1440 870"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
    >
      <path d="M0 435H470M970 435H1440M720 0V120M720 760V870" />
      {[300, 400, 520, 660, 800].map((r, n) => (
        <circle key={r} cx="720" cy="435" r={r} opacity={0.9 - n * 0.15} />
      ))}
    </svg>
  )
}
