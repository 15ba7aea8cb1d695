/** Limits and timers of associations, with the defaults a department can live with. */
import type { StreamTimers } from './byte-stream.ts'

export type DimseLimits = {
  /** Sockets open at once, associated or not; more are closed unanswered. */
  readonly connections: number
  /** Of these, from one address. */
  readonly connectionsPerAddress: number
  /** Associations at once; more are rejected as temporarily congested. */
  readonly associations: number
  /** Of these, from one address (unless set, three quarters): one device that forgets to release leaves the others theirs. */
  readonly associationsPerAddress: number
  /** The longest P-DATA-TF variable field we receive: announced in the negotiation, checked before any reading. */
  readonly pduBytes: number
  readonly associatePduBytes: number
  readonly commandBytes: number
  /** A data set that is held in memory: every service's but C-STORE's. */
  readonly datasetBytes: number
  /** Requests a peer may send ahead of their answers before we stop reading. */
  readonly waitingRequests: number
}

export const DIMSE_LIMITS: DimseLimits = {
  connections: 1000,
  connectionsPerAddress: 250,
  associations: 200,
  associationsPerAddress: 150,
  pduBytes: 256 * 1024,
  associatePduBytes: 512 * 1024,
  commandBytes: 64 * 1024,
  datasetBytes: 8 * 1024 * 1024,
  waitingRequests: 16,
}

/** The limits as they are set, the others by default. */
export function dimseLimits(set: Partial<DimseLimits> = {}): DimseLimits {
  const { associations = DIMSE_LIMITS.associations } = set
  return { ...DIMSE_LIMITS, associationsPerAddress: Math.ceil(associations * 0.75), ...set }
}

export type DimseTimers = StreamTimers & {
  /** From the connection to the whole A-ASSOCIATE-RQ (PS3.8 section 9.1.5). */
  readonly artimMs: number
  /** An association on which nothing is under way. */
  readonly idleMs: number
  /** From a request we send to its response, and from each pending one to the next. */
  readonly responseMs: number
  /** What a peer gets to take our last words and close, after a rejection, abort or release. */
  readonly lingerMs: number
}

export const DIMSE_TIMERS: DimseTimers = {
  artimMs: 30_000,
  idleMs: 5 * 60_000,
  stallMs: 30_000,
  floorBytesPerSecond: 1000,
  graceMs: 30_000,
  responseMs: 60_000,
  lingerMs: 3000,
}
