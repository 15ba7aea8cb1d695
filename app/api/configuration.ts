/** `GET` and `PUT /api/config`: the department's configuration as YAML or JSON, with a dry run. */
import type { Request, Response } from 'express'
import { readConfiguration, writeConfiguration } from '#db/configuration-document.ts'
import { actOf } from '#db/mutations/act.ts'
import { applyConfiguration, compareConfiguration } from '#db/mutations/configuration.ts'
import { configuration } from '#db/queries/configuration.ts'
import { RadiologyError } from '#domain/errors.ts'
import type { Asked } from './routes.ts'

export async function showConfiguration(
  { server, actor }: Asked,
  _request: Request,
  response: Response,
): Promise<void> {
  mustAdminister(actor.roles)
  response.type('application/yaml').send(writeConfiguration(await configuration(server.department.sql)))
}

/** `?dryRun=true` answers the difference and changes nothing. */
export async function putConfiguration(
  { server, actor, address }: Asked,
  request: Request,
  response: Response,
): Promise<void> {
  mustAdminister(actor.roles)
  const change = readConfiguration(request.body)
  if (request.query.dryRun === 'true') {
    response.json({ version: null, differences: await compareConfiguration(server.department, change) })
    return
  }
  response.json(
    await applyConfiguration(
      server.department,
      await actOf(server.department, actor, 'config', { address }),
      change,
    ),
  )
}

// A token or a password sent with this very request is the proof that the permission table asks for.
function mustAdminister(roles: readonly string[]): void {
  if (!roles.includes('admin')) throw new RadiologyError('forbidden', { verb: 'configure' })
}
