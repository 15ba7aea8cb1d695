/** What is done on the catalogue's page: an entry changed as a version of the configuration, protocols kept. */
import { data } from 'react-router'
import { readConfiguration } from '#db/configuration-document.ts'
import { applyConfiguration } from '#db/mutations/configuration.ts'
import { keepProtocol, retireProtocol, setDefaultProtocol } from '#db/mutations/protocols.ts'
import { reauthenticate } from '#db/mutations/sessions.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { SignedIn } from './guard.ts'

type Text = (name: string) => string

export interface CatalogueAnswer {
  intent: string
  /** The version of the configuration that it became; null: nothing was another than before. */
  version: number | null
  changed: string[]
}

const ACTS: Record<string, (signedIn: SignedIn, text: Text) => Promise<Omit<CatalogueAnswer, 'intent'>>> = {
  async save(signedIn, text) {
    const { person, server, act } = signedIn
    const reauthenticated = await reauthenticate(server.department, {
      userId: person.id,
      password: text('password'),
    })
    mustBeAble(person.actor, 'configure-catalogue', { reauthenticated })
    const change = readConfiguration({ procedures: [readEntry(text)] })
    const { version, differences } = await applyConfiguration(server.department, await act(), change)
    return { version, changed: differences.flatMap(({ before, after }) => changedFields(before, after)) }
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

export async function catalogueAct(signedIn: SignedIn, intent: string, text: Text): Promise<CatalogueAnswer> {
  const run = Object.hasOwn(ACTS, intent) ? ACTS[intent] : undefined
  if (!run) throw data(null, { status: 400 })
  return { intent, ...(await run(signedIn, text)) }
}

/** As a configuration file would say it, so that the same rules check it. An empty field is nothing. */
function readEntry(text: Text): Record<string, unknown> {
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
