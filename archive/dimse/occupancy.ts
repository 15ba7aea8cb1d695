/** Who is connected, in all and from each address: one count for every door of the same house. */
import type { Association } from './association.ts'
import type { DimseLimits } from './settings.ts'

/** Why somebody is turned away for now, and the limit to raise. */
export type Full = { readonly why: string; readonly setting: string }

export class Occupancy {
  readonly associations = new Set<Association>()
  private readonly limits: DimseLimits
  private readonly connections = new Map<string, number>()
  private connectionCount = 0
  private readonly seats = new Map<string, number>()
  private seatCount = 0

  constructor(limits: DimseLimits) {
    this.limits = limits
  }

  /** Counts a connection until `leave`, and says when it is one too many. */
  enter(address: string): Full | undefined {
    const fromThere = (this.connections.get(address) ?? 0) + 1
    this.connections.set(address, fromThere)
    this.connectionCount++
    const { connections, connectionsPerAddress } = this.limits
    if (this.connectionCount > connections)
      return { why: `${connections} connections are open`, setting: 'DICOM_MAX_CONNECTIONS' }
    if (fromThere <= connectionsPerAddress) return undefined
    const why = `${connectionsPerAddress} connections are open from this address`
    return { why, setting: 'DICOM_MAX_CONNECTIONS_PER_ADDRESS' }
  }

  leave(address: string) {
    leaveOne(this.connections, address)
    this.connectionCount--
  }

  /** Keeps a place for an association while it is decided on, so that two at once cannot both have the last one. */
  takeSeat(address: string): Full | undefined {
    const { associations, associationsPerAddress } = this.limits
    const fromThere = this.seats.get(address) ?? 0
    if (this.seatCount >= associations)
      return { why: `${associations} associations are open`, setting: 'DICOM_MAX_ASSOCIATIONS' }
    if (fromThere >= associationsPerAddress) {
      const why = `${associationsPerAddress} associations are open from this address`
      return { why, setting: 'DICOM_MAX_ASSOCIATIONS_PER_ADDRESS' }
    }
    this.seats.set(address, fromThere + 1)
    this.seatCount++
    return undefined
  }

  leaveSeat(address: string) {
    leaveOne(this.seats, address)
    this.seatCount--
  }
}

function leaveOne(counts: Map<string, number>, address: string) {
  const left = (counts.get(address) ?? 1) - 1
  if (left > 0) counts.set(address, left)
  else counts.delete(address)
}
