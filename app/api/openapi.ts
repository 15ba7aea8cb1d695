/** The JSON routes described for programs (OpenAPI 3.1), kept beside the handlers it describes. */
import { EXCEPTION_KINDS, PHASES, PRIORITIES, WORK_ITEM_KINDS } from '#domain/words.ts'

const text = { type: 'string' } as const
const instant = { type: 'string', format: 'date-time' } as const
const list = (item: string) => ({
  type: 'object',
  required: ['items'],
  properties: {
    items: { type: 'array', items: { $ref: `#/components/schemas/${item}` } },
    next: { ...text, format: 'uri', description: 'The following page; absent on the last' },
  },
})
const answer = (description: string, schema: object) => ({
  description,
  content: { 'application/json': { schema } },
})
const refusals = {
  401: { $ref: '#/components/responses/Refused' },
  403: { $ref: '#/components/responses/Refused' },
  404: { $ref: '#/components/responses/Refused' },
  422: { $ref: '#/components/responses/Refused' },
}
const inQuery = (name: string, schema: object, description = '') => ({
  name,
  in: 'query',
  schema,
  description,
})
const page = [
  inQuery('limit', { type: 'integer', minimum: 1 }),
  inQuery('after', text, 'Opaque; taken from `next`'),
]

const orderProperties = {
  id: text,
  accession: text,
  issuer: text,
  placer: { type: ['string', 'null'] },
  patientId: text,
  patientIssuer: text,
  patientName: { ...text, description: 'PN of PS3.5: groups by =, components by ^' },
  studyInstanceUid: text,
  procedure: text,
  site: text,
  phase: { enum: PHASES },
  priority: { enum: PRIORITIES },
  dueAt: { type: ['string', 'null'], format: 'date-time' },
  receivedAt: instant,
  times: { type: 'object', description: "First instants of the order's way", additionalProperties: instant },
}

export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'Isocenter',
    version: '1',
    description: 'Orders, work and what came of them. Patient identifiers never stand in an address.',
  },
  security: [{ bearer: [] }, { basic: [] }],
  paths: {
    '/api/orders': {
      get: {
        summary: 'Orders, newest first',
        parameters: [
          inQuery('accession', text),
          inQuery('placer', text),
          inQuery('study', text, 'Study Instance UID'),
          inQuery('phase', { enum: PHASES }),
          inQuery('since', instant),
          ...page,
        ],
        responses: { 200: answer('Orders', list('Order')), ...refusals },
      },
    },
    '/api/orders/search': {
      post: {
        summary: 'Orders of a patient',
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['patientId'],
                properties: { patientId: text, issuer: text, name: text, birthDate: text },
              },
            },
          },
        },
        responses: { 200: answer('Orders', list('Order')), ...refusals },
      },
    },
    '/api/orders/{id}/timeline': {
      get: {
        summary: 'Every event of an order, in order',
        parameters: [{ name: 'id', in: 'path', required: true, schema: text }],
        responses: { 200: answer('Events', list('Event')), ...refusals },
      },
    },
    '/api/worklists/{kind}': {
      get: {
        summary: 'The work items the caller may see, as the screen shows them',
        parameters: [
          { name: 'kind', in: 'path', required: true, schema: { enum: WORK_ITEM_KINDS } },
          ...page,
        ],
        responses: { 200: answer('Work items', list('WorkItem')), ...refusals },
      },
    },
    '/api/deliveries': {
      get: {
        summary: 'Outbound messages of an order',
        parameters: [{ ...inQuery('order', text), required: true }],
        responses: { 200: answer('Deliveries', list('Delivery')), ...refusals },
      },
    },
    '/api/exceptions': {
      get: {
        summary: 'What somebody must mend',
        parameters: [
          inQuery('state', { enum: ['open', 'closed'] }),
          inQuery('kind', { enum: EXCEPTION_KINDS }),
          ...page,
        ],
        responses: { 200: answer('Exceptions', list('Exception')), ...refusals },
      },
    },
    '/api/audit': {
      get: {
        summary: 'The audit trail, newest first',
        parameters: [
          inQuery('since', instant),
          inQuery('actor', text),
          inQuery('subject', text),
          inQuery('type', text),
          ...page,
        ],
        responses: { 200: answer('Audit events', list('AuditEvent')), ...refusals },
      },
    },
    '/api/config': {
      get: {
        summary: 'The configuration as YAML (administrators)',
        responses: { 200: { description: 'YAML', content: { 'application/yaml': {} } }, ...refusals },
      },
      put: {
        summary: 'Applies a configuration (administrators)',
        parameters: [inQuery('dryRun', { type: 'boolean' }, 'Answers the difference and changes nothing')],
        requestBody: { required: true, content: { 'application/yaml': {}, 'application/json': {} } },
        responses: { 200: answer('The version and the difference', { type: 'object' }), ...refusals },
      },
    },
    '/health': {
      get: {
        security: [],
        summary: 'Whether the department works; with a token, causes and figures',
        responses: { 200: { description: 'ok or degraded' }, 503: { description: 'down' } },
      },
    },
    '/metrics': {
      get: {
        summary: 'Prometheus text; from loopback or with a token',
        responses: { 200: { description: 'Figures' } },
      },
    },
  },
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
    responses: {
      Refused: answer('Refused', {
        type: 'object',
        properties: { error: { ...text, description: 'A code of the closed list of refusals' } },
      }),
    },
    schemas: {
      Order: { type: 'object', properties: orderProperties },
      WorkItem: {
        type: 'object',
        properties: {
          ...orderProperties,
          kind: { enum: WORK_ITEM_KINDS },
          orderId: text,
          state: { enum: ['open', 'claimed'] },
          fence: { type: 'integer' },
        },
      },
      Event: {
        type: 'object',
        properties: {
          rev: { type: 'integer' },
          at: instant,
          type: text,
          actor: { type: 'object' },
          source: text,
          refs: { type: 'object' },
          data: { type: 'object' },
          hash: text,
          previousHash: text,
        },
      },
      Delivery: {
        type: 'object',
        properties: {
          destination: text,
          controlId: text,
          messageType: text,
          reportVersion: { type: ['integer', 'null'] },
          attempts: { type: 'integer' },
          state: { enum: ['waiting', 'sent', 'unknown', 'acknowledged', 'parked'] },
          lastAnswer: { type: ['string', 'null'] },
          firstSentAt: { type: ['string', 'null'], format: 'date-time' },
          acknowledgedAt: { type: ['string', 'null'], format: 'date-time' },
        },
      },
      Exception: {
        type: 'object',
        properties: {
          id: text,
          kind: { enum: EXCEPTION_KINDS },
          at: instant,
          reason: text,
          refs: { type: 'object' },
          state: { enum: ['open', 'closed'] },
        },
      },
      AuditEvent: {
        type: 'object',
        properties: {
          subject: text,
          rev: { type: 'integer' },
          type: text,
          outcome: text,
          at: instant,
          actor: { type: 'object' },
        },
      },
    },
  },
}
