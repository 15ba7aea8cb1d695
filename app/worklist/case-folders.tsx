/** `Alt+B` on a case: which of my folders it is in; a digit puts it into one or takes it out, a name makes a new one. */
import './case-folders.css'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { CaseFolder } from '#db/queries/case-folders.ts'
import { useKeys } from '../keys/key-layer.tsx'
import { t } from '../strings/words.ts'
import { Button, Keys } from '../ui/button.tsx'
import { listCount } from '../ui/format.ts'
import type { ScreenKey } from '../ui/screen.tsx'

interface FolderCase {
  orderId: string
  accession: string
}

/** The key for a screen's foot bar, and what it opens, for anywhere in the screen. */
export function useCaseFolders(
  current: FolderCase | null | undefined,
  { silent = false }: { silent?: boolean } = {},
): { key: ScreenKey; panel: ReactNode } {
  const [shown, setShown] = useState<FolderCase | null>(null)
  const before = useRef<Element | null>(null)
  const close = () => {
    setShown(null)
    if (before.current instanceof HTMLElement) before.current.focus({ preventScroll: true })
  }
  const toggle = () => {
    if (shown) return close()
    before.current = document.activeElement
    setShown(current ? { orderId: current.orderId, accession: current.accession } : null)
  }
  return {
    key: { chord: 'Alt+B', word: t('folder.key'), run: toggle, disabled: !current && !shown, silent },
    panel: shown ? <FolderPanel key={shown.orderId} of={shown} onClose={close} /> : null,
  }
}

/** One's folders as tabs beside those of a list; the shown one may be taken away, and its cases stay where they are. */
export function FolderTabs({
  mine: { all, shown },
  onShow,
}: {
  mine: { all: readonly CaseFolder[]; shown: string | null }
  onShow: (folderId: string | null) => void
}) {
  const [removing, setRemoving] = useState<string | null>(null)
  const isAsked = useRef(false)
  const [refused, setRefused] = useState<string | null>(null)
  const remove = async (folderId: string) => {
    if (removing !== folderId) return setRemoving(folderId)
    if (isAsked.current) return
    isAsked.current = true
    const body = new URLSearchParams({ intent: 'retire', folderId })
    const answer = await asked('/folders', { method: 'POST', body })
    isAsked.current = false
    setRemoving(null)
    setRefused(answer === null ? t('folder.failed') : 'sentence' in answer ? answer.sentence : null)
    if (answer && 'folders' in answer) onShow(null)
  }
  const cases = all.find(({ id }) => id === shown)?.count ?? 0
  if (all.length === 0) return null
  return (
    <>
      <nav className="tabs list-tabs folder-tabs" aria-label={t('folder.tabs')}>
        {all.map(({ id, name, count }) => (
          <button
            key={id}
            type="button"
            aria-current={id === shown ? 'page' : undefined}
            onClick={() => onShow(id === shown ? null : id)}
          >
            <span data-word={name}>{name}</span> <span className="count">{listCount(count)}</span>
          </button>
        ))}
      </nav>
      {shown ? (
        <Button look="quiet" onClick={() => void remove(shown)}>
          {removing === shown ? t('folder.remove-surely', { n: cases }) : t('folder.remove')}
        </Button>
      ) : null}
      <span role="status" className="small text-2">
        {refused}
      </span>
    </>
  )
}

type Answer = { folders: CaseFolder[] } | { ok: false; sentence: string }

function FolderPanel({ of, onClose }: { of: FolderCase; onClose: () => void }) {
  const [folders, setFolders] = useState<CaseFolder[] | null>(null)
  const [refused, setRefused] = useState<string | null>(null)
  const [name, setName] = useState('')
  const panel = useRef<HTMLElement>(null)
  const take = (answer: Answer | null) => {
    if (answer && 'folders' in answer) setFolders(answer.folders)
    setRefused(answer === null ? t('folder.failed') : 'sentence' in answer ? answer.sentence : null)
  }
  const press = async (fields: Record<string, string>) => {
    const body = new URLSearchParams({ ...fields, orderId: of.orderId })
    take(await asked('/folders', { method: 'POST', body }))
  }
  const toggle = ({ id, has }: CaseFolder) => void press({ intent: has ? 'take' : 'put', folderId: id })
  const make = () => {
    if (name.trim() === '') return
    void press({ intent: 'put', name })
    setName('')
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each opening
  useEffect(() => {
    void asked(`/folders?order=${encodeURIComponent(of.orderId)}`).then(take)
  }, [])
  const isThere = folders !== null
  useEffect(() => {
    if (isThere) panel.current?.querySelector<HTMLElement>('ul button, input')?.focus()
  }, [isThere])
  useKeys([{ chord: 'Escape', word: t('keys.close'), run: onClose }])
  return (
    <section
      ref={panel}
      className="panel case-folders"
      aria-label={t('folder.of', { accession: of.accession })}
      onKeyDown={(event) => {
        const at = Number(event.key) - 1
        const folder = event.target instanceof HTMLInputElement ? undefined : folders?.[at]
        const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
        if (folder) toggle(folder)
        else if (step !== 0) moveFocus(event.currentTarget, step)
        else return
        event.preventDefault()
        event.stopPropagation()
      }}
    >
      <header>
        <h2>{t('folder.of', { accession: of.accession })}</h2>
      </header>
      <div className="body stack">
        {folders?.length === 0 ? <p className="text-3">{t('folder.none')}</p> : null}
        <ul>
          {folders?.map((folder, index) => (
            <li key={folder.id}>
              <button type="button" aria-pressed={folder.has} onClick={() => toggle(folder)}>
                {index < 9 ? <Keys chord={String(index + 1)} /> : <span />}
                <span className="ellipsis">{folder.name}</span>
                <span className="text-3 tabular">{folder.count}</span>
                <span className="you">{folder.has ? '✓' : ''}</span>
              </button>
            </li>
          ))}
        </ul>
        <input
          className="input"
          aria-label={t('folder.new')}
          placeholder={t('folder.new')}
          maxLength={40}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            event.preventDefault()
            make()
          }}
        />
        <p className={refused ? 'risk small' : 'text-3 small'} role="status">
          {refused ?? t('folder.yours-alone')}
        </p>
        <Button chord="Escape" onClick={onClose}>
          {t('reason.close')}
        </Button>
      </div>
    </section>
  )
}

function moveFocus(panel: HTMLElement, by: 1 | -1): void {
  const all = [...panel.querySelectorAll<HTMLElement>('ul button, input')]
  const at = all.indexOf(document.activeElement as HTMLElement)
  all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus()
}

/** Null when there was no answer. */
async function asked(path: string, init?: RequestInit): Promise<Answer | null> {
  try {
    const response = await fetch(path, init)
    return response.ok && !response.redirected ? ((await response.json()) as Answer) : null
  } catch {
    return null
  }
}
