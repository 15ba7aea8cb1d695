/** What are reports written from? Structured templates of others come in here, are looked at, and are given to procedures. */
import './report-templates.css'
import { useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { decodeTemplate, readTemplate } from '#app/server/mrrt.ts'
import { answer } from '#app/server/refusal.ts'
import { giveTemplate, importTemplate } from '#db/mutations/report-templates.ts'
import { reauthenticate } from '#db/mutations/sessions.ts'
import { catalogueProcedures, type ListedTemplate, templates } from '#db/queries/report-templates.ts'
import { RadiologyError } from '#domain/errors.ts'
import { fieldsOf, templateText } from '#domain/report-template.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { FormPassword, FormRefusal, SidePanel } from '../../ui/act-form.tsx'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { count, NONE, timeOrDay } from '../../ui/format.ts'
import { MainSubmit } from '../../ui/main-act.tsx'
import { EmptyState } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'

/** A template is text; whatever is longer is none. */
const LONGEST_TEMPLATE = 1_000_000

export async function loader(args: LoaderFunctionArgs) {
  const { server } = await requireUser(args, rolesWith('report-templates'))
  const { sql } = server.department
  const [listed, procedures] = await Promise.all([templates(sql), catalogueProcedures(sql)])
  return { templates: listed, procedures }
}

/** `intent`: import (file, password) · give (procedure as `scheme code`, identifier or none, password). */
export async function action(args: ActionFunctionArgs) {
  const { person, server, act } = await requireUser(args, rolesWith('report-templates'))
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '').trim()
  const intent = text('intent')
  if (intent !== 'import' && intent !== 'give') throw data(null, { status: 400 })
  const source = intent === 'import' ? await sourceOf(form.get('file')) : null
  return answer(async () => {
    const password = text('password')
    const reauthenticated = await reauthenticate(server.department, { userId: person.id, password })
    if (!reauthenticated) throw new RadiologyError('reauthentication-required', { userId: person.id })
    if (source !== null) {
      const { template, leftOut } = readTemplate(source)
      const made = await importTemplate(server.department, await act(), { template, source, reauthenticated })
      return { made: { ...made, title: template.title, leftOut } }
    }
    const [scheme = '', ...code] = text('procedure').split(' ')
    const identifier = text('identifier') || null
    const given = { scheme, code: code.join(' '), identifier, reauthenticated }
    await giveTemplate(server.department, await act(), given)
    return { made: null }
  })
}

async function sourceOf(file: FormDataEntryValue | null): Promise<string> {
  if (file === null || (typeof file !== 'string' && file.size > LONGEST_TEMPLATE))
    throw data(null, { status: 413 })
  const source = typeof file === 'string' ? file : decodeTemplate(await file.bytes())
  if (source.length > LONGEST_TEMPLATE) throw data(null, { status: 413 })
  return source
}

export function meta() {
  return [{ title: `${t('nav.report-templates')} · ${t('app.name')}` }]
}

export default function ReportTemplates() {
  const { templates: listed } = useLoaderData<typeof loader>()
  const [chosenId, choose] = useState<string | null>(null)
  const chosen = listed.find(({ identifier }) => identifier === chosenId) ?? null
  return (
    <Screen
      label={t('nav.report-templates')}
      className="report-templates"
      keys={[]}
      fact={<span>{t('templates.rule')}</span>}
    >
      <section className="panel">
        <header>
          <h1>{t('nav.report-templates')}</h1>
          <span className="text-3">{count(listed.length)}</span>
        </header>
        {listed.length === 0 ? (
          <EmptyState title={t('templates.none')}>
            <p>{t('templates.none-why')}</p>
          </EmptyState>
        ) : (
          <table>
            <caption className="visually-hidden">{t('nav.report-templates')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('templates.title')}</th>
                <th scope="col">{t('templates.version')}</th>
                <th scope="col">{t('templates.fields')}</th>
                <th scope="col">{t('templates.publisher')}</th>
                <th scope="col">{t('templates.procedures')}</th>
                <th scope="col">{t('templates.imported')}</th>
                <th scope="col">
                  <span className="visually-hidden">{t('templates.look')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {listed.map((template) => (
                <Row
                  key={template.identifier}
                  template={template}
                  onLook={() => choose(template.identifier)}
                />
              ))}
            </tbody>
          </table>
        )}
      </section>
      <div className="stack">
        {chosen ? (
          <Template key={chosen.identifier} template={chosen} onClose={() => choose(null)} />
        ) : (
          <Importing />
        )}
      </div>
    </Screen>
  )
}

function Row({ template, onLook }: { template: ListedTemplate; onLook: () => void }) {
  const [zone, now] = [useZone(), useDepartmentNow()]
  const { procedures } = useLoaderData<typeof loader>()
  const names = procedures.filter(({ scheme, code }) => template.procedures.includes(`${scheme} ${code}`))
  return (
    <tr>
      <th scope="row">{template.title}</th>
      <td className="number">{template.version}</td>
      <td className="number">{count(fieldsOf(template).length)}</td>
      <td title={template.rights}>{template.publisher || NONE}</td>
      <td>{names.map(({ shortName }) => shortName).join(', ') || NONE}</td>
      <td>
        {timeOrDay(template.importedAt, zone, now)} · {template.importedBy}
      </td>
      <td>
        <Button onClick={onLook}>{t('templates.look')}</Button>
      </td>
    </tr>
  )
}

function Importing() {
  const acting = useFetcher<typeof action>()
  const made = acting.data?.ok ? acting.data.made : null
  return (
    <SidePanel title={t('templates.import')} body="template-panel">
      <acting.Form
        key={made ? `${made.identifier} ${made.version}` : 'first'}
        method="post"
        encType="multipart/form-data"
        className="stack"
      >
        <input type="hidden" name="intent" value="import" />
        <label className="field">
          <span>{t('templates.file')}</span>
          <input className="input" type="file" name="file" accept=".html,.htm,text/html" required />
        </label>
        <FormPassword />
        {made ? (
          <div role="status">
            <p className="strong">{t('templates.made', { title: made.title, version: made.version })}</p>
            {made.leftOut.length > 0 ? (
              <p className="small text-2">{t('templates.left-out', { parts: made.leftOut.join(' · ') })}</p>
            ) : null}
          </div>
        ) : null}
        <FormRefusal of={acting} />
        <MainSubmit word={t('templates.import')} busy={acting.state !== 'idle'} />
      </acting.Form>
    </SidePanel>
  )
}

/** As a report of it begins, and whose reports begin so. */
function Template({ template, onClose }: { template: ListedTemplate; onClose: () => void }) {
  const { procedures } = useLoaderData<typeof loader>()
  const acting = useFetcher<typeof action>()
  const given = procedures.filter(({ scheme, code }) => template.procedures.includes(`${scheme} ${code}`))
  const free = procedures.filter((one) => !given.includes(one))
  return (
    <SidePanel title={template.title} body="template-panel">
      <p className="small text-2">{[template.identifier, template.rights].filter(Boolean).join(' · ')}</p>
      <div className="template-preview">
        {[...new Set(template.sections.map(({ key }) => key))].map((key) => (
          <section key={key}>
            <h3 className="label">{wordFor('section', key)}</h3>
            <p>{templateText(template, key)?.text || NONE}</p>
          </section>
        ))}
      </div>
      <acting.Form method="post" className="stack">
        <input type="hidden" name="intent" value="give" />
        <label className="field">
          <span>{t('templates.procedure')}</span>
          <select className="input" name="procedure">
            {[...free, ...given].map(({ scheme, code, shortName }) => (
              <option key={`${scheme} ${code}`} value={`${scheme} ${code}`}>
                {given.some((one) => one.code === code && one.scheme === scheme)
                  ? t('templates.has-it', { name: shortName })
                  : shortName}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t('templates.begins-with')}</span>
          <select className="input" name="identifier" defaultValue={template.identifier}>
            <option value={template.identifier}>{template.title}</option>
            <option value="">{t('templates.no-template')}</option>
          </select>
        </label>
        <FormPassword />
        <FormRefusal of={acting} />
        {acting.state === 'idle' && acting.data?.ok ? <p role="status">{t('templates.given')}</p> : null}
        <div className="row">
          <MainSubmit word={t('templates.give')} busy={acting.state !== 'idle'} />
          <Button onClick={onClose}>{t('reason.close')}</Button>
        </div>
      </acting.Form>
    </SidePanel>
  )
}
