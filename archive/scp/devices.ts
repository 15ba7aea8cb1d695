/** Who may associate: our AE title, the devices we know, where they may call from and what they may send (PS3.8 7.1.1). */
import { BlockList, isIPv6 } from 'node:net'
import {
  CALLED_AE_NOT_RECOGNIZED,
  CALLING_AE_NOT_RECOGNIZED,
  NO_REASON_GIVEN,
  type Proposal,
  type Rejection,
} from '#archive/dimse/listener.ts'
import { CONTEXT_RESULT } from '#archive/dimse/pdu.ts'
import type { Certificate } from '#archive/dimse/tls-profile.ts'
import type { Department } from '#db/department.ts'
import type { WorklistCaller } from '#db/queries/modality-worklist.ts'
import { policyOf } from '#db/queries/policy.ts'
import { REGULAR_VIEW, type View, viewOf } from '#db/queries/visibility.ts'
import type { Policy } from '#domain/policy.ts'
import { isProtocolClass, isStorageClass } from './storage-classes.ts'

/** A calling peer as the department knows it. */
export interface Caller extends WorklistCaller {
  /** No row names this AE title; the policy lets it in all the same. */
  isUnknown: boolean
  /** Time zone in which its dates and times are read when they state none. */
  zone: string
  /** Storage SOP classes it may send; null: all. */
  sopClasses: readonly string[] | null
  /** Transfer syntaxes it may send objects in; null: all. */
  transferSyntaxes: readonly string[] | null
  /** Associations it may have at once; null: as many as anybody. */
  maxAssociations: number | null
  /** What it sees of rejected instances. */
  view: View
}

/** The devices and the policy, as they were at most a second ago. */
export interface DeviceRegister {
  devices: ReadonlyMap<string, DeviceRow>
  unknownCallingAe: Policy['unknownCallingAe']
  /** Where a peer we do not know is taken to stand. */
  mainSite: { id: string; zone: string } | null
}

/** What a device's row says beyond who it is; all of it may be left out. */
interface DevicePolicy {
  /** Codes of rejections that hide nothing from it (113001, 113037, 113038). */
  seesRejected?: string[]
  sopClasses?: string[]
  transferSyntaxes?: string[]
  maxAssociations?: number
  /** It must come over TLS. */
  tls?: 'required'
  /** It must come over TLS, with a certificate of this name or this SHA-256 fingerprint, or both. */
  certificate?: { commonName?: string; fingerprint?: string }
}

interface DeviceRow {
  ae_title: string
  site_id: string
  zone: string
  room_id: string | null
  modality: string | null
  allowed_addresses: string[]
  policy: DevicePolicy
  enabled: boolean
}

const CACHE_MS = 1_000
/** A scanner gives up within seconds; a connection to a database that is away is tried for much longer. */
const PATIENCE_MS = 500

/**
 * Reads the register at most once a second, so that a change of a device needs no restart. While the database is away
 * or slow to answer the last reading holds: scanners go on storing, and the index follows when it is back.
 */
export function deviceRegister({ sql }: Department): () => Promise<DeviceRegister> {
  let last: DeviceRegister | undefined
  // Not by the clock on the wall: it may be set back.
  let freshUntil = 0
  let reading: Promise<DeviceRegister> | undefined
  async function read(): Promise<DeviceRegister> {
    const rows = await sql<DeviceRow[]>`
      select d.ae_title, d.site_id, s.zone, d.room_id, d.modality, d.allowed_addresses, d.policy, d.enabled
      from devices d join sites s on s.id = d.site_id`
    const [mainSite] = await sql<
      { id: string; zone: string }[]
    >`select id, zone from sites order by id limit 1`
    const { unknownCallingAe } = await policyOf(sql)
    last = {
      devices: new Map(rows.map((row) => [row.ae_title, row])),
      unknownCallingAe,
      mainSite: mainSite ?? null,
    }
    return last
  }
  async function register(): Promise<DeviceRegister> {
    if (last && performance.now() < freshUntil) return last
    reading ??= read()
      .then((now) => {
        freshUntil = performance.now() + CACHE_MS
        return now
      })
      .finally(() => {
        reading = undefined
      })
    if (!last) return await reading
    const known = last
    return await Promise.race([reading.catch(() => known), after(PATIENCE_MS).then(() => known)])
  }
  // So that who was known at the start is known when the database goes before anybody has called.
  read().catch(() => undefined)
  return register
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref())

export type Asking = Pick<Proposal, 'callingAe' | 'calledAe' | 'remoteAddress' | 'isSecure' | 'certificate'>

/** The caller, or why it is turned away and which setting would let it in. */
export function judge(
  register: DeviceRegister,
  ownAe: string,
  asking: Asking,
): { caller: Caller } | { rejection: Rejection } {
  const { callingAe, calledAe, remoteAddress } = asking
  if (calledAe !== ownAe)
    return rejected(CALLED_AE_NOT_RECOGNIZED, 'It called an AE title that is not ours', 'ISOCENTER_AE_TITLE')
  const row = register.devices.get(callingAe)
  if (!row) return unknown(register, callingAe)
  if (!row.enabled)
    return rejected(
      CALLING_AE_NOT_RECOGNIZED,
      'This device is switched off in its settings',
      `devices.${callingAe}.enabled`,
    )
  if (!isAllowed(row.allowed_addresses, remoteAddress)) {
    const setting = `devices.${callingAe}.allowedAddresses`
    return rejected(CALLING_AE_NOT_RECOGNIZED, 'This device may not call from this address', setting)
  }
  return insecure(row.policy, asking) ?? { caller: callerOf(row) }
}

/** Where a device must be who its certificate says, an AE title and an address are not enough. */
function insecure({ tls, certificate }: DevicePolicy, { callingAe, isSecure, ...asking }: Asking) {
  if (!tls && !certificate) return undefined
  const policy = `devices.${callingAe}.policy`
  if (!isSecure) return rejected(NO_REASON_GIVEN, 'This device must come over TLS', `${policy}.tls`)
  const fault = certificate && certificateFault(certificate, asking.certificate)
  return fault ? rejected(NO_REASON_GIVEN, fault, `${policy}.certificate`) : undefined
}

function certificateFault(
  { commonName, fingerprint }: NonNullable<DevicePolicy['certificate']>,
  shown: Certificate | undefined,
): string | undefined {
  if (!shown) return 'This device must show a certificate'
  if (fingerprint !== undefined && hexOf(fingerprint) !== hexOf(shown.fingerprint))
    return `This device showed another certificate, ${shown.fingerprint}`
  if (commonName !== undefined && commonName !== shown.commonName)
    return 'This device showed a certificate of another name'
  // Anybody can write a name into a certificate of their own.
  if (fingerprint === undefined && !shown.isVerified)
    return 'This device showed a certificate that no authority of ours signed (DICOM_TLS_CA_FILE)'
  return undefined
}

const hexOf = (fingerprint: string): string => fingerprint.replaceAll(/[:\s]/g, '').toUpperCase()

function rejected(rejection: Pick<Rejection, 'result' | 'source' | 'reason'>, why: string, setting: string) {
  return { rejection: { ...rejection, why, setting } }
}

function unknown({ unknownCallingAe, mainSite }: DeviceRegister, aeTitle: string): ReturnType<typeof judge> {
  // A name that no row can hold is nobody's: what came under it could not be filed.
  if (!AE_TITLE.test(aeTitle)) {
    const why = 'What it calls itself is no AE title'
    return rejected(CALLING_AE_NOT_RECOGNIZED, why, 'its own configuration: its AE title')
  }
  if (unknownCallingAe === 'refuse' || !mainSite) {
    return rejected(
      CALLING_AE_NOT_RECOGNIZED,
      'No device has this AE title',
      'devices, or policy unknownCallingAe',
    )
  }
  const nowhere = { siteId: null, roomId: null, modality: null }
  const unlimited = { sopClasses: null, transferSyntaxes: null, maxAssociations: null, view: REGULAR_VIEW }
  return { caller: { aeTitle, isUnknown: true, zone: mainSite.zone, ...nowhere, ...unlimited } }
}

/** PS3.5 table 6.2-1: of the basic G0 set, without the backslash; a blank one is none. */
const AE_TITLE = /^(?=.*[^ ])[ -[\]-~]{1,16}$/

function callerOf(row: DeviceRow): Caller {
  return {
    aeTitle: row.ae_title,
    isUnknown: false,
    siteId: row.site_id,
    zone: row.zone,
    roomId: row.room_id,
    modality: row.modality,
    sopClasses: row.policy.sopClasses ?? null,
    transferSyntaxes: row.policy.transferSyntaxes ?? null,
    maxAssociations: row.policy.maxAssociations ?? null,
    view: viewOf(row.policy),
  }
}

/** The list of its device that keeps a context out, when one does: nothing would let in what is not offered at all. */
export function settingFor({ aeTitle, sopClasses, transferSyntaxes }: Caller) {
  return (abstractSyntax: string, result: number): string | undefined => {
    if (!isStorageClass(abstractSyntax) && !isProtocolClass(abstractSyntax)) return undefined
    if (result === CONTEXT_RESULT.abstractSyntaxNotSupported)
      return sopClasses ? `devices.${aeTitle}.policy.sopClasses` : undefined
    return transferSyntaxes ? `devices.${aeTitle}.policy.transferSyntaxes` : undefined
  }
}

/** Whether an address lies in one of the CIDR blocks; an empty list allows all, an unreadable block none. */
export function isAllowed(blocks: readonly string[], address: string): boolean {
  if (blocks.length === 0) return true
  const list = new BlockList()
  for (const block of blocks) addBlock(list, block)
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

function addBlock(list: BlockList, block: string): void {
  const [net = '', prefix] = block.split('/')
  const family = isIPv6(net) ? 'ipv6' : 'ipv4'
  try {
    list.addSubnet(net, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  } catch {
    // A block that nobody can read lets nobody in; the settings screen shows it as it was typed.
  }
}
