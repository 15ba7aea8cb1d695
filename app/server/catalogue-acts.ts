/** What is done on the catalogue's page: entries changed, added and rolled back as versions of the configuration, protocols kept. */
import { data } from 'react-router'
import { readConfiguration } from '#db/configuration-document.ts'
import {
  addProcedure,
  applyConfiguration,
  type ConfigurationChange,
  type Difference,
  rollBackCatalogue,
} from '#db/mutations/configuration.ts'
import { keepProtocol, retireProtocol, setDefaultProtocol } from '#db/mutations/protocols.ts'
import { reauthenticate } from '#db/mutations/sessions.ts'
import { isRefusal, RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import { AREAS, MODALITIES, SAFETY_GATES } from '#domain/words.ts'
import { hasWord, t } from '../strings/words.ts'
import type { SignedIn } from './guard.ts'
import { answer, type Refused } from './refusal.ts'

type Text = (name: string) => string

export interface CatalogueAnswer {
  intent: string
  /** The version of the configuration that it became; null: nothing was another than before. */
  version: number | null
  changed: string[]
}

const ACTS: Record<string, (signedIn: SignedIn, text: Text) => Promise<Omit<CatalogueAnswer, 'intent'>>> = {
  async save(signedIn, text) {
    await mustConfigure(signedIn, text)
    const change = { procedures: [readEntry(text)] }
    return said(await applyConfiguration(signedIn.server.department, await signedIn.act(), change))
  },
  async add(signedIn, text) {
    await mustConfigure(signedIn, text)
    return said(await addProcedure(signedIn.server.department, await signedIn.act(), readEntry(text)))
  },
  async 'roll-back'(signedIn, text) {
    await mustConfigure(signedIn, text)
    const version = Number(text('version') || Number.NaN)
    if (!Number.isSafeInteger(version)) throw data(null, { status: 400 })
    return said(await rollBackCatalogue(signedIn.server.department, await signedIn.act(), version))
  },
  async 'keep-protocol'({ server, act }, text) {
    const { version } = await keepProtocol(server.department, await act(), {
      ...{ id: text('id') || null, scheme: text('scheme'), code: text('code') },
      ...{ protocolCode: text('protocolCode'), name: text('name') },
      parameters: lines(text('parameters')).map(readParameter),
      aliases: lines(text('aliases')),
    })
    return { version, changed: [] }
  },
  async 'retire-protocol'({ server, act }, text) {
    await retireProtocol(server.department, await act(), { id: text('id') })
    return { version: null, changed: [] }
  },
  async 'default-protocol'({ server, act }, text) {
    await setDefaultProtocol(server.department, await act(), { id: text('id') })
    return { version: null, changed: [] }
  },
}

/** A refusal says which field is none, or that the procedure is there already. */
export async function catalogueAct(
  signedIn: SignedIn,
  intent: string,
  text: Text,
): Promise<(CatalogueAnswer & { ok: true }) | Refused> {
  const run = Object.hasOwn(ACTS, intent) ? ACTS[intent] : undefined
  if (!run) throw data(null, { status: 400 })
  let wrong: string | null = null
  const told = await answer(async () => {
    try {
      return { intent, ...(await run(signedIn, text)) }
    } catch (error) {
      wrong = whatIsWrong(error)
      throw error
    }
  })
  return told.ok || wrong === null ? told : { ...told, sentence: wrong }
}

function whatIsWrong(error: unknown): string | null {
  if (isRefusal(error, 'message-conflict')) return t('catalogue.there-already')
  if (!isRefusal(error, 'invalid-message')) return null
  const key = `catalogue.${String(error.refs.at ?? '').split('/')[2]}`
  return hasWord(key) ? t('catalogue.wrong', { field: t(key) }) : null
}

async function mustConfigure({ person, server }: SignedIn, text: Text): Promise<void> {
  const asked = { userId: person.id, password: text('password') }
  const reauthenticated = await reauthenticate(server.department, asked)
  mustBeAble(person.actor, 'configure-catalogue', { reauthenticated })
}

function said({ version, differences }: { version: number | null; differences: Difference[] }) {
  const changed = differences.flatMap(({ before, after }) => (before ? changedFields(before, after) : []))
  return { version, changed: [...new Set(changed)] }
}

type Entry = NonNullable<ConfigurationChange['procedures']>[number]

/** Checked by the rules of a configuration file, and as far as a screen offers a choice by that. */
function readEntry(text: Text): Entry {
  const entry = entryOf(text)
  const offered: [name: string, isOffered: boolean][] = [
    ['scheme', entry.scheme !== ''],
    ['code', entry.code !== ''],
    ['name', entry.name !== ''],
    ['shortName', entry.shortName !== ''],
    ['modality', isOneOf(MODALITIES, entry.modality)],
    ['area', isOneOf(AREAS, entry.area)],
    ['gates', entry.gates.every((gate) => isOneOf(SAFETY_GATES, gate))],
  ]
  const wrong = offered.find(([, isOffered]) => !isOffered)
  if (wrong) throw new RadiologyError('invalid-message', { at: `procedures/0/${wrong[0]}` })
  return readConfiguration({ procedures: [entry] }).procedures![0]!
}

const isOneOf = (words: readonly string[], word: string) => words.includes(word)

/** As a configuration file would say it. An empty field is nothing. */
function entryOf(text: Text) {
  const orNull = (name: string) => text(name) || null
  const number = (name: string) => (text(name) === '' ? null : Number(text(name)))
  return {
    ...{ scheme: text('scheme'), code: text('code'), shortName: text('shortName'), name: text('name') },
    ...{ modality: text('modality'), area: text('area'), protocolling: text('protocolling') },
    slotMinutes: number('slotMinutes'),
    prepMinutes: number('prepMinutes') ?? 0,
    gates: text('gates')
      .split(/[\s,]+/)
      .filter(Boolean),
    ...{ loinc: orNull('loinc'), rpid: orNull('rpid'), preparation: orNull('preparation') },
    bodyPart: orNull('bodyPart'),
    ...{ rvu: number('rvu'), slaMinutes: number('slaMinutes'), retentionYears: number('retentionYears') },
  }
}

function changedFields(before: unknown, after: unknown): string[] {
  const [was, is] = [(before ?? {}) as Record<string, unknown>, (after ?? {}) as Record<string, unknown>]
  return Object.keys(is).filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]))
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}

/** `tube voltage: 120 kV`. */
function readParameter(line: string): { name: string; value: string; unit: string } {
  const [name = '', said = ''] = line.split(/\s*[:=]\s*/, 2)
  const [, value = said, unit = ''] = /^([\d.,]+)\s+(\S+)$/.exec(said) ?? []
  return { name, value, unit }
}
