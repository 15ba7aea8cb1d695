/** The keyboard of a screen: who listens to which key, where, and what is deaf for a moment. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react'
import { type Chord, chordMatches, type KeyStroke } from './chord.ts'
import { QUIET_MS, scanBurst } from './scan-burst.ts'

export interface KeyBinding {
  chord: Chord
  /** The word in the foot bar and on the key sheet. */
  word: string
  run: () => void
  /** `list`: plain keys, only while a list has focus. `outside-text`: anywhere but in text. Default: everywhere. */
  where?: 'everywhere' | 'list' | 'outside-text'
  disabled?: boolean
  /** What listens to it is elsewhere (a list, the browser): it only stands on the key sheet. */
  shownOnly?: boolean
  /** Shown instead of its own chord, for keys that come in groups: `↑ ↓`. */
  caps?: string[]
  /** What its button says and news may change: the primary key is deaf for a moment when somebody else changed it. */
  label?: string | undefined
}

/** A press right after the primary action was meant for what stood there before. */
const DEAF_MS = 1_500
/** A label that changes so soon after a key or a press was changed by it; else by somebody else. */
const OWN_CHANGE_MS = 700

interface Keys {
  current: KeyBinding[]
  /** Since when the primary button says what somebody else made it say; on the clock of events. */
  relabelledMs: number
}

interface Layer {
  bindings: Map<symbol, Keys>
  /** The last key or press, on the clock of events. */
  inputMs: number
  /** Bumped when a screen's keys appear or go, so that sheets and palettes draw the present ones. */
  changed: () => void
  scans: Set<{ current: (text: string) => void }>
}

const LayerContext = createContext<Layer | null>(null)
const VersionContext = createContext(0)

/** @param scanner true on screens that a wristband scanner can reach */
export function KeyLayer({ scanner, children }: { scanner: boolean; children: ReactNode }) {
  const [version, setVersion] = useState(0)
  const layer = useMemo<Layer>(
    () => ({ bindings: new Map(), inputMs: 0, scans: new Set(), changed: () => setVersion((n) => n + 1) }),
    [],
  )
  useEffect(() => listen(layer, scanner), [layer, scanner])
  return (
    <LayerContext value={layer}>
      <VersionContext value={version}>{children}</VersionContext>
    </LayerContext>
  )
}

/** Makes these keys act while the component stands on the screen; later ones win. */
export function useKeys(bindings: KeyBinding[]): void {
  const layer = useContext(LayerContext)
  const latest = useRef<Keys>({ current: bindings, relabelledMs: Number.NEGATIVE_INFINITY }).current
  useEffect(() => {
    const [before, now] = [primaryLabel(latest.current), primaryLabel(bindings)]
    const atMs = performance.now()
    if (layer && before !== null && now !== before && atMs - layer.inputMs > OWN_CHANGE_MS)
      latest.relabelledMs = atMs
    latest.current = bindings
  })
  // In its place for as long as it stands: a screen whose words change must not take the keys of a panel that opened on it.
  useEffect(() => {
    if (!layer) return
    const id = Symbol('keys')
    layer.bindings.set(id, latest)
    layer.changed()
    return () => {
      layer.bindings.delete(id)
      layer.changed()
    }
  }, [layer, latest])
  const shape = bindings.map((each) => each.chord + each.word).join('|')
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another set of keys is worth another drawing
  useEffect(() => layer?.changed(), [layer, shape])
}

function primaryLabel(bindings: readonly KeyBinding[]): string | null {
  const primary = bindings.find(({ chord }) => chord === 'Alt+Enter')
  return primary?.label ?? null
}

/** Hears wristbands. */
export function useScan(onScan: (text: string) => void): void {
  const layer = useContext(LayerContext)
  const latest = useRef(onScan)
  useEffect(() => {
    latest.current = onScan
  })
  useEffect(() => {
    if (!layer) return
    layer.scans.add(latest)
    return () => void layer.scans.delete(latest)
  }, [layer])
}

/** All keys that act now, newest first, one per chord. */
export function useActiveKeys(): KeyBinding[] {
  useContext(VersionContext)
  const layer = useContext(LayerContext)
  return layer ? activeKeys(layer) : []
}

function activeKeys(layer: Layer): KeyBinding[] {
  const found = new Map<Chord, KeyBinding>()
  const newestFirst = [...layer.bindings.values()].reverse().flatMap(({ current }) => current)
  for (const binding of newestFirst)
    if (!binding.shownOnly && !found.has(binding.chord)) found.set(binding.chord, binding)
  // Whoever only shows a key says what it does on this screen: a list knows no more than that it opens.
  for (const shown of newestFirst)
    if (shown.shownOnly) {
      const acting = found.get(shown.chord)
      // A panel that stands over it has the key for something else.
      if (acting?.shownOnly || (acting && acting.where !== shown.where)) continue
      found.set(shown.chord, acting ? { ...acting, word: shown.word } : shown)
    }
  return [...found.values()]
}

function listen(layer: Layer, scanner: boolean): () => void {
  const burst = scanBurst()
  let before: { field: HTMLInputElement | HTMLTextAreaElement; value: string } | null = null
  let waiting: ReturnType<typeof setTimeout> | undefined
  const deaf = new DeafKeys()

  const isHeard = (binding: KeyBinding, atMs: number) =>
    binding.chord !== 'Alt+Enter' ||
    (atMs - relabelledMs(layer, binding) >= DEAF_MS && deaf.hears(binding.word, atMs))
  const noteInput = (event: Event) => {
    layer.inputMs = event.timeStamp
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.isComposing) return
    const field = textFieldOf(event.target)
    if (scanner && takeScan(event, field)) return
    const binding = bindingFor(layer, event, field !== null)
    if (!binding) return
    // On keydown, or Firefox on Windows opens its menu bar.
    event.preventDefault()
    event.stopPropagation()
    if (event.repeat && binding.chord.startsWith('Alt+')) return
    if (!isHeard(binding, event.timeStamp)) return
    if (scanner && event.key.length === 1 && !event.altKey && !event.ctrlKey) {
      waiting = setTimeout(binding.run, QUIET_MS)
    } else {
      binding.run()
    }
  }

  /** True when this key ended a scan: what it typed is taken back, and nobody else hears the key. */
  function takeScan(event: KeyboardEvent, field: HTMLInputElement | HTMLTextAreaElement | null): boolean {
    if (event.altKey || event.ctrlKey || event.metaKey) return false
    const scanned = burst.take(event.key, event.timeStamp)
    if (burst.length === 1 && event.key.length === 1) before = field ? { field, value: field.value } : null
    if (burst.length > 1) clearTimeout(waiting)
    if (scanned === null) return false
    event.preventDefault()
    event.stopPropagation()
    if (before) setFieldValue(before.field, before.value)
    before = null
    for (const each of [...layer.scans]) each.current(scanned)
    return true
  }

  // The viewer's frame owns all plain keys and passes the others up.
  function onMessage(event: MessageEvent): void {
    if (event.origin !== location.origin) return
    const stroke = passedUpKey(event.data)
    const binding = stroke ? bindingFor(layer, stroke, true) : undefined
    if (!binding) return
    if (!isHeard(binding, event.timeStamp)) return
    binding.run()
  }

  addEventListener('keydown', onKeyDown, { capture: true })
  addEventListener('keydown', noteInput, { capture: true })
  addEventListener('pointerdown', noteInput, { capture: true })
  addEventListener('message', onMessage)
  return () => {
    clearTimeout(waiting)
    removeEventListener('keydown', onKeyDown, { capture: true })
    removeEventListener('keydown', noteInput, { capture: true })
    removeEventListener('pointerdown', noteInput, { capture: true })
    removeEventListener('message', onMessage)
  }
}

/** The primary key is deaf after it acted, and until its button has borne its new word for as long. */
class DeafKeys {
  private firedAt = Number.NEGATIVE_INFINITY
  private word = ''
  private wordSince = Number.NEGATIVE_INFINITY

  hears(word: string, atMs: number): boolean {
    if (word !== this.word) {
      this.wordSince = this.word === '' ? Number.NEGATIVE_INFINITY : Math.max(this.firedAt, this.wordSince)
      this.word = word
    }
    if (atMs - this.firedAt < DEAF_MS || atMs - this.wordSince < DEAF_MS) return false
    this.firedAt = atMs
    return true
  }
}

function relabelledMs({ bindings }: Layer, binding: KeyBinding): number {
  const keys = [...bindings.values()].find(({ current }) => current.some(({ run }) => run === binding.run))
  return keys?.relabelledMs ?? Number.NEGATIVE_INFINITY
}

function bindingFor(layer: Layer, stroke: KeyStroke & { target?: EventTarget | null }, inText: boolean) {
  return activeKeys(layer).find((binding) => {
    if (binding.disabled || binding.shownOnly || !chordMatches(binding.chord, stroke)) return false
    if (binding.where === 'outside-text') return !inText
    if (binding.where === 'list') return !inText && isInList(stroke.target)
    return true
  })
}

function isInList(target: EventTarget | null | undefined): boolean {
  if (!(target instanceof Element)) return false
  // A page whose only focus is the page itself lets its list have the keys.
  if (target === document.body) return true
  return target.closest('[data-keys="list"]') !== null && target.closest('a, button') === null
}

function textFieldOf(target: EventTarget | null): HTMLInputElement | HTMLTextAreaElement | null {
  if (target instanceof HTMLTextAreaElement) return target
  if (target instanceof HTMLInputElement && !/^(?:checkbox|radio|button|submit|range)$/.test(target.type))
    return target
  if (target instanceof HTMLElement && target.isContentEditable)
    return target as unknown as HTMLTextAreaElement
  return null
}

// React hears a changed value only through the element's own setter.
function setFieldValue(field: HTMLInputElement | HTMLTextAreaElement, value: string): void {
  if (value === undefined || !('value' in field)) return
  const prototype =
    field instanceof HTMLTextAreaElement ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype
  Object.getOwnPropertyDescriptor(prototype, 'value')?.set?.call(field, value)
  field.dispatchEvent(new Event('input', { bubbles: true }))
}

function passedUpKey(data: unknown): KeyStroke | null {
  if (typeof data !== 'object' || data === null) return null
  const { from, type, key, code, altKey, ctrlKey, metaKey, shiftKey } = data as Record<string, unknown>
  if (from !== 'isocenter-viewer' || type !== 'key' || typeof key !== 'string') return null
  return {
    key,
    code: typeof code === 'string' ? code : '',
    altKey: altKey === true,
    ctrlKey: ctrlKey === true,
    metaKey: metaKey === true,
    shiftKey: shiftKey === true,
  }
}
