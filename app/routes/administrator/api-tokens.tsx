/** Which programs come in, with what rights, and are they still used? Tokens are made, shown once, and revoked here. */
import './api-tokens.css'
import { useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
} from 'react-router'
import { inDepartmentTime } from '#app/server/department-time.ts'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { createToken, revokeToken, TOKEN_ROLES } from '#db/mutations/api-tokens.ts'
import { reauthenticate } from '#db/mutations/sessions.ts'
import { type ApiToken, apiTokens } from '#db/queries/api-tokens.ts'
import { sites } from '#db/queries/sites.ts'
import { RadiologyError } from '#domain/errors.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { FormPassword, FormRefusal, SidePanel } from '../../ui/act-form.tsx'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { count, NONE, timeOrDay } from '../../ui/format.ts'
import { MainSubmit } from '../../ui/main-act.tsx'
import { Screen } from '../../ui/screen.tsx'

const LONGEST_NAME = 80

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('api-tokens'))
  const { sql } = server.department
  const [kept, own, shown] = await Promise.all([
    apiTokens(sql),
    sites(sql, person.sites),
    inDepartmentTime(server.department),
  ])
  const tokens = kept.map((token) => ({
    ...token,
    createdAt: shown(token.createdAt),
    lastUsedAt: shown(token.lastUsedAt),
    revokedAt: shown(token.revokedAt),
  }))
  return { tokens, sites: own.map(({ id, name }) => ({ id, name })), roles: TOKEN_ROLES }
}

/** `intent`: create (name, role, site… , password) · revoke (id, password). A new token stands in the answer, once. */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('api-tokens'))
  const { server, act } = signedIn
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '').trim()
  const intent = text('intent')
  if (intent !== 'create' && intent !== 'revoke') throw data(null, { status: 400 })
  return answer(async () => {
    const reauthenticated = await isProven(signedIn, text('password'))
    if (intent === 'revoke') {
      const isRevoked = await revokeToken(server.department, await act(), { id: text('id'), reauthenticated })
      if (!isRevoked) throw new RadiologyError('not-found', { tokenId: text('id').slice(0, 26) })
      return { made: null }
    }
    const [name, role] = [text('name'), TOKEN_ROLES.find((one) => one === text('role'))]
    if (!name || name.length > LONGEST_NAME || !role)
      throw new RadiologyError('invalid-message', { field: 'name' })
    const asked = { name, role, sites: form.getAll('site').map(String), reauthenticated }
    const { id, token } = await createToken(server.department, await act(), asked)
    return { made: { id, token, name } }
  })
}

/** @throws RadiologyError 'reauthentication-required' for a wrong password: nothing is said of what it would have done */
async function isProven({ person, server }: SignedIn, password: string): Promise<boolean> {
  const proven = await reauthenticate(server.department, { userId: person.id, password })
  if (!proven) throw new RadiologyError('reauthentication-required', { userId: person.id })
  return proven
}

export function meta() {
  return [{ title: `${t('nav.api-tokens')} · ${t('app.name')}` }]
}

export default function ApiTokens() {
  const { tokens } = useLoaderData<typeof loader>()
  const [chosenId, choose] = useState<string | null>(null)
  const chosen = tokens.find(({ id, revokedAt }) => id === chosenId && !revokedAt)
  return (
    <Screen
      label={t('nav.api-tokens')}
      className="api-tokens"
      keys={[]}
      fact={<span>{t('tokens.rule')}</span>}
    >
      <section className="panel">
        <header>
          <h1>{t('nav.api-tokens')}</h1>
          <span className="text-3">{count(tokens.filter(({ revokedAt }) => !revokedAt).length)}</span>
        </header>
        <table>
          <caption className="visually-hidden">{t('nav.api-tokens')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('tokens.name')}</th>
              <th scope="col">{t('tokens.role')}</th>
              <th scope="col">{t('tokens.sites')}</th>
              <th scope="col">{t('tokens.made')}</th>
              <th scope="col">{t('tokens.by')}</th>
              <th scope="col">{t('tokens.last-used')}</th>
              <th scope="col">{t('tokens.state')}</th>
            </tr>
          </thead>
          <tbody>
            {tokens.map((token) => (
              <TokenRow key={token.id} token={token} onRevoke={() => choose(token.id)} />
            ))}
          </tbody>
        </table>
      </section>
      {chosen ? <Revoking key={chosen.id} token={chosen} onClose={() => choose(null)} /> : <Making />}
    </Screen>
  )
}

function TokenRow({ token, onRevoke }: { token: ApiToken; onRevoke: () => void }) {
  const [zone, now] = [useZone(), useDepartmentNow()]
  const at = (instant: Date | null) => (instant ? timeOrDay(instant, zone, now) : NONE)
  return (
    <tr data-token={token.id} className={token.revokedAt ? 'text-3' : undefined}>
      <th scope="row">{token.name}</th>
      <td>{wordFor('role', token.role)}</td>
      <td>{token.sites.includes('*') ? t('tokens.every-site') : token.sites.join(', ')}</td>
      <td>{at(token.createdAt)}</td>
      <td>{token.createdBy}</td>
      <td>{token.lastUsedAt ? at(token.lastUsedAt) : t('tokens.never')}</td>
      <td>
        {token.revokedAt ? (
          t('tokens.revoked', { at: at(token.revokedAt) })
        ) : (
          <Button onClick={onRevoke}>{t('tokens.revoke')}</Button>
        )}
      </td>
    </tr>
  )
}

function Making() {
  const { sites: own, roles } = useLoaderData<typeof loader>()
  const acting = useFetcher<typeof action>()
  const made = acting.data?.ok ? acting.data.made : null
  return (
    <SidePanel title={t('tokens.make')} body="token-panel">
      {made ? <Made key={made.id} token={made.token} name={made.name} /> : null}
      <acting.Form method="post" className="token-form" key={made?.id ?? 'first'}>
        <input type="hidden" name="intent" value="create" />
        <div className="field">
          <label htmlFor="token-name">{t('tokens.name')}</label>
          <input
            id="token-name"
            name="name"
            className="input"
            maxLength={LONGEST_NAME}
            required
            autoComplete="off"
          />
        </div>
        <div className="field">
          <label htmlFor="token-role">{t('tokens.role')}</label>
          <select id="token-role" name="role" className="input">
            {roles.map((role) => (
              <option key={role} value={role}>
                {wordFor('role', role)}
              </option>
            ))}
          </select>
        </div>
        <fieldset className="field">
          <legend>{t('tokens.sites')}</legend>
          {own.map(({ id, name }) => (
            <label key={id}>
              <input type="checkbox" name="site" value={id} defaultChecked /> {name}
            </label>
          ))}
        </fieldset>
        <FormPassword />
        <FormRefusal of={acting} />
        <MainSubmit word={t('tokens.make')} busy={acting.state !== 'idle'} />
      </acting.Form>
    </SidePanel>
  )
}

function Made({ token, name }: { token: string; name: string }) {
  return (
    <div className="token-made" role="status">
      <p className="strong">{t('tokens.made-once', { name })}</p>
      <div className="field">
        <label htmlFor="token-made">{t('tokens.token')}</label>
        <input
          id="token-made"
          className="input mono"
          readOnly
          value={token}
          onFocus={(event) => event.currentTarget.select()}
        />
      </div>
      <Button onClick={() => void navigator.clipboard.writeText(token)}>{t('tokens.copy')}</Button>
    </div>
  )
}

function Revoking({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const acting = useFetcher<typeof action>()
  return (
    <SidePanel title={t('tokens.revoking', { name: token.name })} body="token-panel">
      <p>{t('tokens.revoking-what')}</p>
      <acting.Form method="post" className="token-form">
        <input type="hidden" name="intent" value="revoke" />
        <input type="hidden" name="id" value={token.id} />
        <FormPassword />
        <FormRefusal of={acting} />
        <div className="row">
          <Button type="submit" look="bad" busy={acting.state !== 'idle'}>
            {t('tokens.revoke-now')}
          </Button>
          <Button onClick={onClose}>{t('tokens.keep')}</Button>
        </div>
      </acting.Form>
    </SidePanel>
  )
}
