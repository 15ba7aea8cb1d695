/** What the service can do: the capabilities description and Allow (PS3.18 8.9, RFC 9110 9.3.7). */
import { acceptable, takes } from './accept.ts'
import { WebError, type WebRequest, type WebResponse } from './exchange.ts'

interface Resource {
  path: string
  methods: Record<string, { takes?: string; gives: readonly string[] }>
}

const MODELS = ['application/dicom+json', 'multipart/related; type="application/dicom+xml"']
const OBJECTS = ['multipart/related; type="application/dicom"', 'application/dicom']
const PICTURES = ['image/jpeg', 'image/png']
const SEARCH = { GET: { gives: MODELS } }
const STORE = {
  takes: 'multipart/related; type="application/dicom"',
  gives: ['application/dicom+json', 'application/dicom+xml'],
}
const REMOVE = { gives: [] }

const RESOURCES: readonly Resource[] = [
  { path: 'studies', methods: { ...SEARCH, POST: STORE } },
  { path: 'series', methods: SEARCH },
  { path: 'instances', methods: SEARCH },
  { path: 'studies/{study}/series', methods: SEARCH },
  { path: 'studies/{study}/instances', methods: SEARCH },
  { path: 'studies/{study}/series/{series}/instances', methods: SEARCH },
  { path: 'studies/{study}', methods: { GET: { gives: OBJECTS }, POST: STORE, DELETE: REMOVE } },
  ...['studies/{study}/series/{series}', 'studies/{study}/series/{series}/instances/{instance}'].map(
    (path) => ({ path, methods: { GET: { gives: OBJECTS }, DELETE: REMOVE } }),
  ),
  ...[
    'studies/{study}',
    'studies/{study}/series/{series}',
    'studies/{study}/series/{series}/instances/{instance}',
  ].flatMap((path) => [
    { path: `${path}/metadata`, methods: { GET: { gives: MODELS } } },
    { path: `${path}/rendered`, methods: { GET: { gives: PICTURES } } },
    { path: `${path}/thumbnail`, methods: { GET: { gives: PICTURES } } },
  ]),
  ...[
    { below: 'frames/{frames}', gives: ['multipart/related; type="application/octet-stream"'] },
    { below: 'frames/{frames}/rendered', gives: PICTURES },
    { below: 'frames/{frame}/thumbnail', gives: PICTURES },
    { below: 'bulkdata/{path}', gives: ['application/octet-stream'] },
  ].map(({ below, gives }) => ({
    path: `studies/{study}/series/{series}/instances/{instance}/${below}`,
    methods: { GET: { gives } },
  })),
]

const METHODS_OF_ROOT = 'GET, HEAD, OPTIONS'

const WADL = 'application/vnd.sun.wadl+xml'

/** Of the whole service, as WADL or JSON. @throws WebError 406 */
export function capabilities(request: WebRequest): WebResponse {
  for (const range of acceptable(request)) {
    if (takes(range, WADL)) return described(WADL, wadl(request.root))
    if (takes(range, 'application/json'))
      return described('application/json', JSON.stringify({ base: request.root, resources: RESOURCES }))
  }
  throw new WebError(406, `capabilities are to be had as ${WADL} or application/json`)
}

function described(type: string, text: string): WebResponse {
  const headers = { 'Content-Type': type, Allow: METHODS_OF_ROOT }
  return { status: 200, headers, body: [Buffer.from(text)] }
}

function wadl(root: string): string {
  const resources = RESOURCES.map(({ path, methods }) => {
    const listed = Object.entries(methods).map(([name, { takes, gives }]) => {
      const asked =
        takes === undefined ? '' : `<request><representation mediaType="${escaped(takes)}"/></request>`
      const answered = gives.map((type) => `<representation mediaType="${escaped(type)}"/>`).join('')
      return `<method name="${name}">${asked}<response>${answered}</response></method>`
    })
    return `<resource path="${path}">${listed.join('')}</resource>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<application xmlns="http://wadl.dev.java.net/2009/02"><resources base="${escaped(root)}">${resources.join('')}</resources></application>`
}

const escaped = (text: string): string =>
  text.replace(/[&<"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '"': '&quot;' })[char]!)

export function allowed(path: readonly string[]): WebResponse {
  return { status: 204, headers: { Allow: methodsOf(path) }, body: [] }
}

/** The methods of one resource, as Allow names them. @throws WebError 404 when there is no such resource */
export function methodsOf(path: readonly string[]): string {
  if (path.length === 0) return METHODS_OF_ROOT
  const found = RESOURCES.filter((resource) => isAt(resource.path.split('/'), path))
  if (found.length === 0) throw new WebError(404, 'there is no such resource')
  const methods = new Set(found.flatMap(({ methods }) => Object.keys(methods)))
  const heads = methods.has('GET') ? ['HEAD'] : []
  return [...methods, ...heads, 'OPTIONS'].join(', ')
}

function isAt(template: readonly string[], path: readonly string[]): boolean {
  const isOpen = template.at(-1) === '{path}'
  if (isOpen ? path.length < template.length : path.length !== template.length) return false
  return template.every((part, n) => part.startsWith('{') || part === path[n])
}
