/** What can be ordered here, and what does each procedure bring with it: time, questions, protocol, promise? */
import './catalogue.css'
import { useEffect, useState } from 'react'
import { type ActionFunctionArgs, type LoaderFunctionArgs, useFetcher, useLoaderData } from 'react-router'
import { catalogueAct } from '#app/server/catalogue-acts.ts'
import { inDepartmentTime } from '#app/server/department-time.ts'
import { requireUser } from '#app/server/guard.ts'
import { configurationVersions } from '#db/mutations/configuration.ts'
import { type CatalogueProcedure, catalogue } from '#db/queries/catalogue.ts'
import { catalogueVersions } from '#db/queries/catalogue-versions.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { count, NONE, timeOrDay } from '../../ui/format.ts'
import { ErrorLine } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'
import { EntryForm } from './catalogue-entry.tsx'
import { EntryProtocols } from './catalogue-protocols.tsx'
import { Versions } from './catalogue-versions.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('catalogue'))
  const { sql } = server.department
  const [entries, [newest], versions, shown] = await Promise.all([
    catalogue(sql),
    configurationVersions(server.department),
    catalogueVersions(sql),
    inDepartmentTime(server.department),
  ])
  return {
    entries,
    newest: newest ? { ...newest, appliedAt: shown(newest.appliedAt) } : null,
    versions: versions.map((version) => ({ ...version, appliedAt: shown(version.appliedAt) })),
    mayChange: person.roles.includes('admin'),
  }
}

/**
 * `intent`: save · add (an entry's fields, password) · roll-back (version, password) · keep-protocol (id?, scheme, code, protocolCode, name, parameters, aliases) ·
 * retire-protocol (id) · default-protocol (id).
 */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('catalogue'))
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '').trim()
  return catalogueAct(signedIn, text('intent'), text)
}

export function meta() {
  return [{ title: `${t('nav.catalogue')} · ${t('app.name')}` }]
}

export default function Catalogue() {
  const { entries, newest, versions, mayChange } = useLoaderData<typeof loader>()
  useLive(['configuration', 'protocols'])
  const [chosen, setChosen] = useState<string | null>(null)
  // The key of the one that is being added; empty until it has one.
  const [added, setAdded] = useState<string | null>(null)
  const choose = (key: string | null) => {
    setChosen(key)
    setAdded(null)
  }
  const at = Math.max(
    0,
    entries.findIndex(({ key }) => key === chosen),
  )
  const entry = entries[at]
  const move = (by: number) =>
    choose(entries[Math.min(entries.length - 1, Math.max(0, at + by))]?.key ?? null)
  const acting = useFetcher<typeof action>()
  const isBusy = acting.state !== 'idle'
  const told = isBusy ? undefined : acting.data
  const submit = (fields: Record<string, string>) =>
    void acting.submit(fields, { method: 'post', action: '/catalogue' })
  const isAdded = told?.ok && told.intent === 'add'
  useEffect(() => {
    if (!isAdded) return
    setAdded((key) => {
      if (key) setChosen(key)
      return null
    })
  }, [isAdded])
  return (
    <Screen
      label={t('nav.catalogue')}
      className="catalogue"
      fact={<Version newest={newest} />}
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list', run: () => move(-1) },
        { chord: 'ArrowDown', word: t('keys.move'), where: 'list', run: () => move(1), silent: true },
      ]}
    >
      <section className="panel catalogue-list">
        <header>
          <h1>{t('nav.catalogue')}</h1>
          <span className="text-3">{count(entries.length)}</span>
          <span className="push text-2" role="status">
            {told?.ok ? saidOf(told) : null}
          </span>
          {mayChange ? (
            <Button onClick={() => setAdded('')} aria-pressed={added !== null}>
              {t('catalogue.new')}
            </Button>
          ) : null}
        </header>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the cursor moves through its rows by arrow keys */}
        <section className="catalogue-scroll" data-keys="list" tabIndex={0} aria-label={t('nav.catalogue')}>
          <Entries
            entries={entries}
            current={added === null ? (entry?.key ?? null) : null}
            onChoose={choose}
          />
        </section>
      </section>
      <aside className="catalogue-side" aria-label={t('catalogue.entry')}>
        {told && !told.ok ? <ErrorLine>{told.sentence}</ErrorLine> : null}
        {added !== null ? (
          <EntryForm
            key="new"
            entry={null}
            mayChange={mayChange}
            busy={isBusy}
            onClose={() => setAdded(null)}
            onSave={(fields) => {
              setAdded(`${fields.scheme?.trim()} ${fields.code?.trim()}`)
              submit({ intent: 'add', ...fields })
            }}
          />
        ) : entry ? (
          <>
            <EntryForm
              key={asItStands(entry)}
              entry={entry}
              mayChange={mayChange}
              busy={isBusy}
              onSave={(fields) => submit({ intent: 'save', ...fields })}
            />
            <EntryProtocols key={`protocols ${entry.key}`} entry={entry} busy={isBusy} onAct={submit} />
            <Versions
              versions={versions}
              mayChange={mayChange}
              busy={isBusy}
              onRollBack={(fields) => submit({ intent: 'roll-back', ...fields })}
            />
          </>
        ) : null}
      </aside>
    </Screen>
  )
}

/** Another form for other values: one that was saved, changed by somebody else or rolled back is never written over blindly. */
function asItStands({ protocols: _, template: __, ...entry }: CatalogueProcedure): string {
  return JSON.stringify(entry)
}

function saidOf({
  intent,
  version,
  changed,
}: {
  intent: string
  version: number | null
  changed: string[]
}): string {
  if (!['save', 'add', 'roll-back'].includes(intent)) return t('catalogue.protocol-kept')
  if (version === null) return t('catalogue.nothing-changed')
  if (intent === 'add') return t('catalogue.added', { version })
  const fields = changed.map((name) => wordFor('catalogue', name)).join(', ')
  return t('catalogue.saved', { version, fields })
}

function Version({ newest }: { newest: { version: number; appliedBy: string; appliedAt: Date } | null }) {
  const zone = useZone()
  const now = useDepartmentNow()
  if (!newest) return t('catalogue.as-seeded')
  const time = timeOrDay(new Date(newest.appliedAt), zone, now)
  return t('catalogue.version', { version: newest.version, by: newest.appliedBy, time })
}

interface EntriesProps {
  entries: CatalogueProcedure[]
  current: string | null
  onChoose: (key: string) => void
}

function Entries({ entries, current, onChoose }: EntriesProps) {
  return (
    <table>
      <caption className="visually-hidden">{t('nav.catalogue')}</caption>
      <thead>
        <tr>
          <th scope="col" className="catalogue-name">
            {t('catalogue.shortName')}
          </th>
          <th scope="col" className="catalogue-code">
            {t('catalogue.code')}
          </th>
          <th scope="col" className="catalogue-narrow">
            {t('catalogue.modality')}
          </th>
          <th scope="col" className="catalogue-code">
            {t('catalogue.area')}
          </th>
          <th scope="col" className="right catalogue-time">
            {t('catalogue.time')}
          </th>
          <th scope="col">{t('catalogue.gates')}</th>
          <th scope="col" className="catalogue-code">
            {t('catalogue.chosen-by')}
          </th>
          <th scope="col" className="catalogue-name">
            {t('catalogue.protocol')}
          </th>
          <th scope="col" className="right catalogue-figure">
            {t('catalogue.rvu')}
          </th>
          <th scope="col" className="right catalogue-narrow">
            {t('catalogue.sla')}
          </th>
          <th scope="col" className="right catalogue-narrow">
            {t('catalogue.retention')}
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr
            key={entry.key}
            data-procedure={entry.key}
            aria-current={entry.key === current || undefined}
            onClick={() => onChoose(entry.key)}
          >
            <th scope="row" title={entry.name}>
              {entry.shortName}
            </th>
            <td className="mono" title={`${entry.scheme} ${entry.code}`}>
              {entry.code}
            </td>
            <td>{entry.modality}</td>
            <td>{wordFor('area', entry.area)}</td>
            <td className="right">
              {t('catalogue.minutes', { n: entry.slotMinutes })}
              {entry.prepMinutes > 0 ? ` +${entry.prepMinutes}` : ''}
            </td>
            <td className="catalogue-gates">
              {entry.gates.map((gate) => wordFor('gate', gate)).join(', ') || NONE}
            </td>
            <td>{t(`catalogue.protocolling-${entry.protocolling}`)}</td>
            <td>{entry.protocols.find(({ isDefault }) => isDefault)?.name ?? NONE}</td>
            <td className="right">{entry.rvu ?? NONE}</td>
            <td className="right">
              {entry.slaMinutes === null
                ? t('catalogue.policy')
                : t('catalogue.minutes', { n: entry.slaMinutes })}
            </td>
            <td className="right">
              {entry.retentionYears === null
                ? t('catalogue.policy')
                : t('catalogue.years', { n: entry.retentionYears })}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
