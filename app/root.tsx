/** The document around every page. */
import inter from '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2?url'
import mono from '@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2?url'
// Split by unicode range: a page without such names loads none of it. A name in boxes is worse than a late one.
import '@fontsource/noto-sans-jp/400.css'
import '@fontsource/noto-sans-kr/400.css'
import './ui/fonts.css'
import './ui/tokens.css'
import './ui/base.css'
import './ui/shell.css'
import './ui/controls.css'
import './ui/table.css'
import './ui/identity.css'
import './ui/lists.css'
import type { ReactNode } from 'react'
import {
  Links,
  type LoaderFunctionArgs,
  Meta,
  Outlet,
  Scripts,
  ScrollRestoration,
  type ShouldRevalidateFunctionArgs,
  useRouteError,
  useRouteLoaderData,
} from 'react-router'
import { readTheme } from '#app/server/theme-cookie.ts'
import { isLiveLoad } from './live/is-live-load.ts'
import { keepScreenStanding } from './live/standing-screen.ts'
import { t } from './strings/words.ts'
import { FaultWords, isMissing } from './ui/fault-words.tsx'
import { Mark } from './ui/glyph.tsx'
import { useNonce } from './ui/nonce.tsx'

// Public: it knows nothing but the workstation's theme.
export function loader({ request }: LoaderFunctionArgs) {
  return { theme: readTheme(request.headers.get('cookie')) }
}

// News of the department changes no theme.
export function shouldRevalidate(args: ShouldRevalidateFunctionArgs) {
  return !isLiveLoad(args) && args.defaultShouldRevalidate
}

export const clientMiddleware = [keepScreenStanding]

export function meta() {
  return [{ title: t('app.name') }]
}

export function Layout({ children }: { children: ReactNode }) {
  const theme = useRouteLoaderData<typeof loader>('root')?.theme ?? 'dark'
  const nonce = useNonce()
  return (
    <html lang="en" data-theme={theme}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
        {/* Asked for at once, because a font that comes late isn't used on this page any more. */}
        {[inter, mono].map((font) => (
          <link key={font} rel="preload" as="font" type="font/woff2" href={font} crossOrigin="anonymous" />
        ))}
        <Meta />
        <Links nonce={nonce} />
      </head>
      <body>
        {children}
        <ScrollRestoration nonce={nonce} />
        <Scripts nonce={nonce} />
      </body>
    </html>
  )
}

export default function Root() {
  return <Outlet />
}

/** The last resort, outside of the frame: what the frame itself needs could not be had, or the page is none of its own. */
export function ErrorBoundary() {
  const error = useRouteError()
  return (
    <main className="state-box" id="content">
      <span className="brand">
        <Mark />
        {t('app.name')}
      </span>
      <FaultWords error={error}>
        {isMissing(error) ? null : (
          <button type="button" className="button primary" onClick={() => location.reload()}>
            {t('error.try-again')}
          </button>
        )}
      </FaultWords>
    </main>
  )
}
