/** How do I want the images of each procedure hung? Layouts kept in the viewer are looked at, changed and dropped here. */
import './layouts.css'
import { useEffect, useRef, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { readKeyedValues } from '#archive/web/keyed-values.ts'
import { dropHanging, keepHanging } from '#db/mutations/viewer-settings.ts'
import {
  hangableProcedures,
  type KeptHanging,
  keptHangings,
  type ReceivedProtocol,
  receivedProtocols,
} from '#db/queries/viewer-settings.ts'
import { type ImportedHanging, importedHanging } from '#domain/dicom-hanging-protocol.ts'
import {
  type HangingLayout,
  type HungViewport,
  PLANES,
  resized,
  VIEWER_PLACES,
  type ViewerPlace,
} from '#domain/hanging-layout.ts'
import { useKeys } from '../../keys/key-layer.tsx'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { timeOrDay } from '../../ui/format.ts'
import { ErrorLine } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('layouts'))
  const { sql } = server.department
  const [kept, procedures, came] = await Promise.all([
    keptHangings(sql, person.id),
    hangableProcedures(sql),
    receivedProtocols(sql),
  ])
  return { kept, procedures, received: came.flatMap((one) => receivedWith(one, procedures)) }
}

interface Received {
  id: string
  sourceAe: string
  receivedAt: Date
  imported: ImportedHanging
}

// Read anew each time: the catalogue it is held against may have changed since it came.
function receivedWith(
  { values, ...came }: ReceivedProtocol,
  procedures: Awaited<ReturnType<typeof hangableProcedures>>,
): Received[] {
  const imported = importedHanging(values, procedures)
  return 'refused' in imported ? [] : [{ ...came, imported }]
}

/** A protocol is a few kilobytes; whatever is longer is none. */
const LONGEST_PROTOCOL = 1_000_000

/**
 * Fields by `intent`: `keep` (modality, scheme and code or neither, place, layout as JSON, name and description of an
 * imported one), `drop` (id), `read` (file: a DICOM Hanging Protocol, which is shown and not kept yet).
 */
export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args, rolesWith('layouts'))
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '')
  const intent = text('intent')
  if (intent !== 'keep' && intent !== 'drop' && intent !== 'read') throw data(null, { status: 400 })
  return answer(async () => {
    if (intent === 'read') return readProtocol(form.get('file'), await hangableProcedures(department.sql))
    if (intent === 'drop') await dropHanging(department, await act(), { layoutId: text('id') })
    else
      await keepHanging(department, await act(), {
        modality: text('modality'),
        procedure: text('code') ? { scheme: text('scheme'), code: text('code') } : null,
        place: text('place') as ViewerPlace,
        layout: parsed(text('layout')),
        name: text('name'),
        description: text('description'),
      })
    return {}
  })
}

interface ReadProtocol {
  imported?: ImportedHanging
  unread?: 'no-dicom' | 'other-object' | 'no-boxes'
}

async function readProtocol(
  file: FormDataEntryValue | null,
  procedures: Awaited<ReturnType<typeof hangableProcedures>>,
): Promise<ReadProtocol> {
  const isFile = file !== null && typeof file !== 'string' && file.size <= LONGEST_PROTOCOL
  const object = isFile ? readKeyedValues(new Uint8Array(await file.arrayBuffer())) : null
  if (!object) return { unread: 'no-dicom' }
  const read = importedHanging(object, procedures)
  return 'refused' in read ? { unread: read.refused } : { imported: read }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No layout, and refused as such.
    return null
  }
}

export function meta() {
  return [{ title: `${t('nav.layouts')} · ${t('app.name')}` }]
}

export default function Layouts() {
  const { kept, received } = useLoaderData<typeof loader>()
  useLive(['layouts'])
  const [chosenId, choose] = useState<string | null>(kept[0]?.id ?? null)
  const chosen = kept.find(({ id }) => id === chosenId) ?? null
  const [imported, setImported] = useState<ImportedHanging | null>(null)
  const [reads, setReads] = useState(0)
  const open = (id: string | null, read: ImportedHanging | null = null) => {
    choose(id)
    setImported(read)
    setReads(reads + 1)
  }
  return (
    <Screen label={t('nav.layouts')} className="layouts" keys={[]} fact={<span>{t('layouts.rule')}</span>}>
      <section className="panel">
        <header>
          <h1>{t('nav.layouts')}</h1>
        </header>
        {kept.length === 0 ? <p className="text-3 layouts-empty">{t('layouts.none')}</p> : null}
        <ul>
          {kept.map((one) => (
            <li key={one.id}>
              <button
                type="button"
                className="layouts-row"
                aria-pressed={one.id === chosen?.id}
                onClick={() => open(one.id)}
              >
                <span className="strong">
                  {one.procedure?.text ?? t('layouts.every', { modality: one.modality })}
                </span>
                <span className="small text-3">
                  {wordFor('layouts.place', one.place)} · {one.layout.rows} × {one.layout.columns}
                  {one.name ? ` · ${one.name}` : ''}
                </span>
              </button>
            </li>
          ))}
        </ul>
        {received.length > 0 ? <ReceivedList of={received} onOpen={(read) => open(null, read)} /> : null}
        <Button onClick={() => open(null)}>{t('layouts.new')}</Button>
        <Import onRead={(read) => open(null, read)} />
      </section>
      <Editor
        key={chosen ? `${chosen.id} ${String(chosen.savedAt)}` : `new ${reads}`}
        of={chosen}
        imported={imported}
      />
    </Screen>
  )
}

/** What devices and programs have sent: anybody's to make a layout of. */
function ReceivedList({ of, onOpen }: { of: readonly Received[]; onOpen: (read: ImportedHanging) => void }) {
  const [zone, now] = [useZone(), useDepartmentNow()]
  return (
    <section aria-label={t('layouts.received')}>
      <h2 className="layouts-received">{t('layouts.received')}</h2>
      <ul>
        {of.map(({ id, sourceAe, receivedAt, imported }) => (
          <li key={id}>
            <button type="button" className="layouts-row" onClick={() => onOpen(imported)}>
              <span className="strong">{imported.name || imported.description || '–'}</span>
              <span className="small text-3">
                {sourceAe} · {timeOrDay(receivedAt, zone, now)}
                {imported.leftOut.length > 0
                  ? ` · ${t('layouts.left-out-count', { count: imported.leftOut.length })}`
                  : ''}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** A Hanging Protocol of somebody else's viewer: looked at in the editor before anything is kept. */
function Import({ onRead }: { onRead: (read: ImportedHanging) => void }) {
  const reading = useFetcher<typeof action>()
  const seen = useRef<unknown>(null)
  const said = reading.data?.ok ? (reading.data as ReadProtocol) : null
  useEffect(() => {
    if (!said?.imported || seen.current === said) return
    seen.current = said
    onRead(said.imported)
  })
  return (
    <label className="field layouts-import">
      <span className="label">{t('layouts.import')}</span>
      <input
        className="input"
        type="file"
        accept=".dcm,application/dicom"
        disabled={reading.state !== 'idle'}
        onChange={({ target }) => {
          const [file] = target.files ?? []
          if (!file) return
          const form = new FormData()
          form.set('intent', 'read')
          form.set('file', file)
          void reading.submit(form, { method: 'post', encType: 'multipart/form-data' })
          target.value = ''
        }}
      />
      {said?.unread ? <ErrorLine>{wordFor('layouts.unread', said.unread)}</ErrorLine> : null}
    </label>
  )
}

function LeftOutList({ of }: { of: ImportedHanging }) {
  const called = [of.name, of.description].filter(Boolean).join(' · ')
  return (
    <section className="layout-left-out" aria-label={t('layouts.left-out')}>
      <h2>{t('layouts.imported', { name: called || '–' })}</h2>
      {of.leftOut.length === 0 ? (
        <p className="text-3">{t('layouts.nothing-left-out')}</p>
      ) : (
        <>
          <p>{t('layouts.left-out')}</p>
          <ul>
            {of.leftOut.map(({ why, what }) => (
              <li key={`${why} ${what}`}>
                {wordFor('layouts.left', why)}
                {what ? <span className="text-3"> {what}</span> : null}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}

const PLAIN: HungViewport = { study: 'current', series: '', nth: 0, plane: 'stack' }
const FIRST: HangingLayout = { rows: 1, columns: 2, viewports: [PLAIN, { ...PLAIN, study: 'prior' }] }

function Editor({ of, imported }: { of: KeptHanging | null; imported: ImportedHanging | null }) {
  const { procedures } = useLoaderData<typeof loader>()
  const acting = useFetcher<typeof action>()
  const [layout, setLayout] = useState<HangingLayout>(of?.layout ?? imported?.layout ?? FIRST)
  const [target, setTarget] = useState(of ? keyOf(of) : imported ? keyOf(imported) : '')
  const [place, setPlace] = useState<ViewerPlace>(of?.place ?? imported?.place ?? 'beside')
  const modalities = [...new Set(procedures.map(({ modality }) => modality))]
  const targets = [
    ...modalities.map((modality) => ({
      modality,
      scheme: '',
      code: '',
      text: t('layouts.every', { modality }),
    })),
    ...procedures,
  ]
  const wanted = targets.find((one) => `${one.modality} ${one.scheme} ${one.code}` === target) ?? targets[0]
  const isBusy = acting.state !== 'idle'
  const change = (cell: number, more: Partial<HungViewport>) =>
    setLayout({
      ...layout,
      viewports: layout.viewports.map((one, n) => (n === cell ? { ...one, ...more } : one)),
    })
  const keep = () => {
    if (!wanted) return
    const { modality, scheme, code } = wanted
    const { name = '', description = '' } = imported ?? {}
    const said = { name, description, layout: JSON.stringify(layout) }
    const fields = { intent: 'keep', modality, scheme, code, place, ...said }
    void acting.submit(fields, { method: 'post' })
  }
  useKeys([{ chord: 'Alt+Enter', word: t('layouts.keep'), run: keep, disabled: isBusy }])
  return (
    <section className="panel layout-editor" aria-label={t('layouts.editor')}>
      {imported ? <LeftOutList of={imported} /> : null}
      <div className="layout-target">
        <label className="field">
          <span className="label">{t('layouts.for')}</span>
          <select
            className="input"
            value={target || undefined}
            disabled={of !== null}
            onChange={(event) => setTarget(event.target.value)}
          >
            {targets.map((one) => (
              <option
                key={`${one.scheme} ${one.code} ${one.modality}`}
                value={`${one.modality} ${one.scheme} ${one.code}`}
              >
                {one.code ? `${one.modality} · ${one.text}` : one.text}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span className="label">{t('layouts.where')}</span>
          <select
            className="input"
            value={place}
            disabled={of !== null}
            onChange={(event) => setPlace(event.target.value as ViewerPlace)}
          >
            {VIEWER_PLACES.map((one) => (
              <option key={one} value={one}>
                {wordFor('layouts.place', one)}
              </option>
            ))}
          </select>
        </label>
        <Count
          label={t('layouts.rows')}
          value={layout.rows}
          most={3}
          onChange={(rows) => setLayout(resized(layout, rows, layout.columns))}
        />
        <Count
          label={t('layouts.columns')}
          value={layout.columns}
          most={4}
          onChange={(columns) => setLayout(resized(layout, layout.rows, columns))}
        />
      </div>
      <div
        className="layout-grid"
        style={{ gridTemplateColumns: `repeat(${layout.columns}, minmax(0, 1fr))` }}
      >
        {layout.viewports.map((viewport, cell) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place in the grid
          <Cell key={cell} number={cell + 1} viewport={viewport} onChange={(more) => change(cell, more)} />
        ))}
      </div>
      {acting.data && 'sentence' in acting.data ? <ErrorLine>{acting.data.sentence}</ErrorLine> : null}
      <div className="row">
        <Button look="primary" chord="Alt+Enter" busy={isBusy} onClick={keep}>
          {t('layouts.keep')}
        </Button>
        {of ? (
          <Button
            look="bad"
            busy={isBusy}
            onClick={() => void acting.submit({ intent: 'drop', id: of.id }, { method: 'post' })}
          >
            {t('layouts.drop')}
          </Button>
        ) : null}
      </div>
    </section>
  )
}

interface Target {
  modality: string
  procedure: { scheme: string; code: string } | null
}

const keyOf = ({ modality, procedure }: Target) =>
  `${modality} ${procedure?.scheme ?? ''} ${procedure?.code ?? ''}`

const COUNTS = [1, 2, 3, 4]

interface CountProps {
  label: string
  value: number
  most: number
  onChange: (value: number) => void
}

function Count({ label, value, most, onChange }: CountProps) {
  return (
    <label className="field">
      <span className="label">{label}</span>
      <select className="input" value={value} onChange={(event) => onChange(Number(event.target.value))}>
        {COUNTS.slice(0, most).map((count) => (
          <option key={count} value={count}>
            {count}
          </option>
        ))}
      </select>
    </label>
  )
}

interface CellProps {
  number: number
  viewport: HungViewport
  onChange: (more: Partial<HungViewport>) => void
}

function Cell({ number, viewport, onChange }: CellProps) {
  return (
    <fieldset className={`layout-cell ${viewport.study}`}>
      <legend>{t('layouts.cell', { number })}</legend>
      <select
        className="input"
        aria-label={t('layouts.study')}
        value={viewport.study}
        onChange={(event) => onChange({ study: event.target.value as HungViewport['study'] })}
      >
        <option value="current">{t('layouts.study.current')}</option>
        <option value="prior">{t('layouts.study.prior')}</option>
      </select>
      <input
        className="input"
        aria-label={t('layouts.series')}
        placeholder={t('layouts.any-series')}
        maxLength={64}
        value={viewport.series}
        onChange={(event) => onChange({ series: event.target.value, nth: 0 })}
      />
      <select
        className="input"
        aria-label={t('layouts.plane')}
        value={viewport.plane}
        onChange={(event) => onChange({ plane: event.target.value as HungViewport['plane'] })}
      >
        {PLANES.map((plane) => (
          <option key={plane} value={plane}>
            {wordFor('layouts.plane', plane)}
          </option>
        ))}
      </select>
    </fieldset>
  )
}
