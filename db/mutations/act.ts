/** Who acts when no person does: the department's own duties and DICOM devices. */
import type { Actor } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import type { Act, Source } from './mutate.ts'

export const departmentActor: Actor = {
  kind: 'department',
  id: 'department',
  roles: ['department'],
  sites: ['*'],
  areas: [],
  credentials: [],
}

/** An act of the department itself: timers, rules, sweeps. */
export async function dutyAct(department: Department, more: Partial<Act> = {}): Promise<Act> {
  return {
    actor: departmentActor,
    source: 'duty',
    now: await department.now(),
    machineNow: new Date(),
    ...more,
  }
}

/** An act of a device, named by its AE title. */
export async function deviceAct(
  department: Department,
  aeTitle: string,
  more: Partial<Act> = {},
): Promise<Act> {
  const actor: Actor = {
    kind: 'device',
    id: aeTitle,
    roles: ['device'],
    sites: ['*'],
    areas: [],
    credentials: [],
  }
  return { actor, source: 'dimse', now: await department.now(), machineNow: new Date(), ...more }
}

/** An act of a signed-in person or a token, through the given door. */
export async function actOf(
  department: Department,
  actor: Actor,
  source: Source,
  more: Partial<Act> = {},
): Promise<Act> {
  return { actor, source, now: await department.now(), machineNow: new Date(), ...more }
}
