/** Verification as SCP (PS3.4 annex A): we are here, and you may talk to us. */
import { type Outcome, SUCCESS } from '#archive/dimse/status.ts'

export function echo(): Outcome {
  return SUCCESS
}
