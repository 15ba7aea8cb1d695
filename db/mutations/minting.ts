/** Numbers and UIDs made here: each from its own sequence, so that concurrent orders never share one. */
import { randomUUID } from 'node:crypto'
import type { AnySql } from '../client.ts'

export interface Minting {
  uidRoot: string
  accessionPrefix: string
  accessionIssuer: string
  fillerAuthority: string
  controlPrefix: string
}

/** How this department mints, from its one row. */
export async function minting(sql: AnySql): Promise<Minting> {
  const [row] = await sql<Record<string, string>[]>`select * from minting`
  return {
    uidRoot: row!.uid_root!,
    accessionPrefix: row!.accession_prefix!,
    accessionIssuer: row!.accession_issuer!,
    fillerAuthority: row!.filler_authority!,
    controlPrefix: row!.control_prefix!,
  }
}

/** Accession Number (0008,0050), VR SH: prefix, two digits of the year, a running number; at most 16 characters. */
export async function mintAccession(sql: AnySql, { accessionPrefix }: Minting, now: Date): Promise<string> {
  const year = String(now.getUTCFullYear()).slice(2)
  return `${accessionPrefix}${year}${await next(sql, 'accession_numbers', 7)}`
}

export async function mintFillerNumber(sql: AnySql): Promise<string> {
  return `F-${await next(sql, 'filler_numbers', 6)}`
}

/** Requested Procedure ID (0040,1001), VR SH. */
export async function mintRequestedProcedureId(sql: AnySql): Promise<string> {
  return `RP${await next(sql, 'requested_procedure_numbers', 6)}`
}

/** Scheduled Procedure Step ID (0040,0009), VR SH. */
export async function mintStepNumber(sql: AnySql): Promise<string> {
  return `SPS${await next(sql, 'step_numbers', 6)}`
}

/** Message control id (MSH-10), at most 20 characters: prefix and a running number in base 36. */
export async function mintControlId(sql: AnySql, { controlPrefix }: Minting): Promise<string> {
  const [row] = await sql<{ n: number }[]>`select nextval('control_numbers') as n`
  return `${controlPrefix}${row!.n.toString(36).toUpperCase().padStart(12, '0')}`
}

/**
 * A UID under the department's root; with the root 2.25 it is a UUID as a decimal number.
 * @see PS3.5 B.2, ITU-T X.667
 */
export async function mintUid(sql: AnySql, { uidRoot }: Minting): Promise<string> {
  if (uidRoot === '2.25') return uuidUid()
  const [row] = await sql<{ n: number }[]>`select nextval('uid_numbers') as n`
  return `${uidRoot}.${row!.n}`
}

/** A UID that needs no registered root: 2.25 and a random UUID. */
export function uuidUid(): string {
  return `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`
}

async function next(sql: AnySql, sequence: string, digits: number): Promise<string> {
  const [row] = await sql<{ n: number }[]>`select nextval(${sequence}::regclass) as n`
  return String(row!.n).padStart(digits, '0')
}
