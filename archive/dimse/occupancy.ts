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
  private seats = 0

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
    const left = (this.connections.get(address) ?? 1) - 1
    if (left > 0) this.connections.set(address, left)
    else this.connections.delete(address)
    this.connectionCount--
  }

  /** Keeps a place for an association while it is decided on, so that two at once cannot both have the last one. */
  takeSeat(): Full | undefined {
    const { associations } = this.limits
    if (this.seats >= associations)
      return { why: `${associations} associations are open`, setting: 'DICOM_MAX_ASSOCIATIONS' }
    this.seats++
    return undefined
  }

  leaveSeat() {
    this.seats--
  }
}
