/** Where the department is and who works there: `endpoints.json` of its home, as any program finds it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const where = z.object({ host: z.string(), port: z.number() })

const endpoints = z.object({
  app: z.string(),
  mllp: where,
  dicom: where.extend({ aeTitle: z.string() }),
  emr: where,
  devices: z.array(
    z.object({ aeTitle: z.string(), modality: z.string(), room: z.string().nullable(), site: z.string() }),
  ),
  /** Only in a demonstration department. */
  accounts: z.array(z.object({ user: z.string(), password: z.string(), role: z.string() })).optional(),
})

export type Endpoints = z.output<typeof endpoints>

/** @throws when the file is not there: the department is not up, or somebody else's home was named */
export function readEndpoints(home: string): Endpoints {
  return endpoints.parse(JSON.parse(readFileSync(join(home, 'endpoints.json'), 'utf8')))
}
