/** `/fhir`: not served yet; says so in FHIR's own terms (R4 OperationOutcome) to whoever may ask. */
import type { RequestHandler } from 'express'
import type { AppServer } from '../server/context.ts'
import { actorOfRequest } from './authenticate.ts'

export function answerFhir(server: AppServer): RequestHandler {
  return async (request, response) => {
    const actor = await actorOfRequest(request, server)
    if (!actor) response.setHeader('WWW-Authenticate', 'Bearer, Basic realm="isocenter"')
    const issue = actor
      ? {
          severity: 'error',
          code: 'not-supported',
          diagnostics: 'FHIR is not served by this version. HL7 v2 and DICOMweb are.',
        }
      : { severity: 'error', code: 'login', diagnostics: 'Send a bearer token or HTTP Basic credentials.' }
    response
      .status(actor ? 501 : 401)
      .type('application/fhir+json')
      .send(JSON.stringify({ resourceType: 'OperationOutcome', issue: [issue] }))
  }
}
