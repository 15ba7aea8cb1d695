/** A department's configuration as a file: YAML (or JSON, its subset) checked before anything is compared or applied. */
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { RadiologyError } from '#domain/errors.ts'
import type { ConfigurationChange } from './mutations/configuration.ts'
import type { Configuration } from './queries/configuration.ts'

const port = z.number().int().min(1).max(65_535)
const id = z.string().min(1).max(64)
const open = z.record(z.string(), z.unknown())
// Loose, since other parts of the archive have rules of their own in it; what guards the door must be right.
const devicePolicy = z.looseObject({
  sopClasses: z.array(z.string()).optional(),
  transferSyntaxes: z.array(z.string()).optional(),
  maxAssociations: z.number().int().min(1).optional(),
  tls: z.literal('required').optional(),
  certificate: z
    .strictObject({
      commonName: z.string().min(1).optional(),
      fingerprint: z
        .string()
        .regex(/^[0-9a-f]{2}(:?[0-9a-f]{2}){31}$/i)
        .optional(),
    })
    .refine(({ commonName, fingerprint }) => commonName !== undefined || fingerprint !== undefined, {
      message: 'expected a commonName or a fingerprint',
    })
    .optional(),
})
const device = z.strictObject({
  aeTitle: z.string().regex(/^[^\\\s][^\\]{0,15}$/),
  site: id,
  room: id.nullable().default(null),
  kind: z.enum(['modality', 'tool', 'archive']).default('modality'),
  modality: z.string().nullable().default(null),
  profile: z.enum(['full', 'mpps', 'store', 'unknown']).default('unknown'),
  host: z.string().nullable().default(null),
  port: port.nullable().default(null),
  allowedAddresses: z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])).default([]),
  policy: devicePolicy.default({}),
  enabled: z.boolean().default(true),
})
const destination = z.strictObject({
  id,
  name: z.string(),
  kind: z.enum(['hl7-oru', 'dicom-sr']).default('hl7-oru'),
  host: z.string(),
  port,
  receivingApplication: z.string().default(''),
  receivingFacility: z.string().default(''),
  required: z.boolean().default(true),
  policy: open.default({}),
  enabled: z.boolean().default(true),
})
const procedure = z.strictObject({
  code: id,
  scheme: id,
  shortName: z.string().max(30),
  name: z.string(),
  modality: z.string(),
  area: z.string(),
  slotMinutes: z.number().int().positive(),
  prepMinutes: z.number().int().min(0).default(0),
  gates: z.array(z.string()).default([]),
  protocolling: z.enum(['rule', 'reader']).default('rule'),
  // Left out: as it stands. What a file of before did not know, it does not take away.
  loinc: z.string().max(16).nullable().optional(),
  rpid: z.string().max(16).nullable().optional(),
  preparation: z.string().max(300).nullable().optional(),
  bodyPart: z.string().max(16).nullable().optional(),
  rvu: z.number().min(0).max(9_999).nullable().optional(),
  slaMinutes: z.number().int().positive().nullable().optional(),
  retentionYears: z.number().int().positive().max(200).nullable().optional(),
})
const document = z.strictObject({
  sites: z
    .array(z.strictObject({ id, name: z.string(), zone: z.string(), calendar: open.default({}) }))
    .optional(),
  rooms: z
    .array(
      z.strictObject({
        id,
        site: id,
        name: z.string(),
        modality: z.string(),
        position: z.number().int().default(0),
      }),
    )
    .optional(),
  devices: z.array(device).optional(),
  destinations: z.array(destination).optional(),
  connections: z
    .array(
      z.strictObject({
        id,
        sendingApplication: z.string().nullable(),
        sendingFacility: z.string().nullable(),
        site: id,
        policy: open.default({}),
      }),
    )
    .optional(),
  procedures: z.array(procedure).optional(),
  policy: open.optional(),
})

/** Reads a configuration file; YAML is a superset of JSON, so both are taken. @throws RadiologyError naming the place */
export function readConfiguration(text: unknown): ConfigurationChange {
  const value: unknown = typeof text === 'string' ? parse(text) : text
  const result = document.safeParse(value)
  if (result.success) return result.data as ConfigurationChange
  const issue = result.error.issues[0]
  throw new RadiologyError('invalid-message', { at: issue?.path.join('/'), problem: issue?.message })
}

/** The file as `config export` writes it. */
export function writeConfiguration(configuration: Configuration): string {
  return stringify(configuration)
}
