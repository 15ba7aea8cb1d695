/** What a page says that cannot be shown: whether there is none, or it failed, what is not lost, and the way on. */
import type { ReactNode } from 'react'
import { isRouteErrorResponse } from 'react-router'
import { t } from '../strings/words.ts'

export function isMissing(error: unknown): boolean {
  return isRouteErrorResponse(error) && error.status === 404
}

/** @param children what can be pressed, before the way home */
export function FaultWords({ error, children }: { error: unknown; children?: ReactNode }) {
  const which = isMissing(error) ? 'not-found' : 'failed'
  return (
    <div className="state-box">
      <h1 className="strong">{t(which === 'failed' ? 'error.title' : 'error.not-found')}</h1>
      <p className="text-2">{t(`error.${which}-next`)}</p>
      <p className="row">
        {children}
        {/* Loaded anew: after a fault nothing of this page is to be relied on. */}
        <a className={children ? 'button' : 'button primary'} href="/">
          {t('error.home')}
        </a>
      </p>
    </div>
  )
}
