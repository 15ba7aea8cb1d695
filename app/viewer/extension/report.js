/**
 * Structured reports as text (PS3.3 section C.17.3): every class of them, every value type, and measurements whose
 * images are not at hand. Those whose images are here stay OHIF's, which draws them on the images.
 */

const { reports, words } = window.config.isocenter
let displaySets

/** Classes under which a tree of content items is stored, beside the four that OHIF handles itself (PS3.4 section B.5). */
const OTHER_CLASSES = [
  '40', // Procedure Log
  '50', // Mammography CAD
  '65', // Chest CAD
  '67', // X-Ray Radiation Dose
  '68', // Radiopharmaceutical Radiation Dose
  '69', // Colon CAD
  '70', // Implantation Plan
  '71', // Acquisition Context
  '72', // Simplified Adult Echo
  '73', // Patient Radiation Dose
  '74', // Planned Imaging Agent Administration
  '75', // Performed Imaging Agent Administration
  '76', // Enhanced X-Ray Radiation Dose
].map((last) => `1.2.840.10008.5.1.4.1.1.88.${last}`)

/** OHIF makes the display set of every report; what it is shown with is ours. */
export function reportHandler(extensionManager) {
  return {
    name: 'report',
    sopClassUids: OTHER_CLASSES,
    getDisplaySetsFromSeries: (instances) =>
      extensionManager
        .getModuleEntry(reports.replace('viewportModule', 'sopClassHandlerModule'))
        .getDisplaySetsFromSeries(instances)
        .map((set) => Object.assign(set, { SOPClassHandlerId: 'isocenter.sopClassHandlerModule.report' })),
  }
}

/** @param theirs answers OHIF's own viewport for reports */
export function reportViewport(theirs, { services }) {
  displaySets = services.displaySetService
  return (props) => {
    const [set] = props.displaySets
    return set.isImagingMeasurementReport && hasItsImages(set)
      ? element(theirs().component, props)
      : element('article', { className: 'isocenter-report', tabIndex: 0 }, ...wholeReport(set.instance))
  }
}

const element = (...made) => window.config.isocenter.React.createElement(...made)

function hasItsImages(set) {
  const wanted = new Set(referencesIn(set.instance))
  return instancesHere().some(({ SOPInstanceUID }) => wanted.has(SOPInstanceUID))
}

function instancesHere() {
  return displaySets.getActiveDisplaySets().flatMap((set) => set.instances ?? [])
}

function referencesIn(item) {
  const own = many(item.ReferencedSOPSequence).map((reference) => reference.ReferencedSOPInstanceUID)
  return [...own, ...many(item.ContentSequence).flatMap(referencesIn)]
}

function wholeReport(report) {
  const stated = [report.CompletionFlag, report.VerificationFlag].filter(Boolean).join(', ')
  return [
    element('h1', null, meaning(report.ConceptNameCodeSequence) ?? report.SeriesDescription ?? 'SR'),
    element(
      'p',
      { className: 'isocenter-quiet' },
      [spoken(report.ContentDate), stated].filter(Boolean).join(' · '),
    ),
    ...contents(report),
  ]
}

function contents(item) {
  return many(item.ContentSequence).map((child, n) =>
    child.ValueType === 'CONTAINER' ? container(child, n) : line(child, n),
  )
}

function container(item, key) {
  const name = meaning(item.ConceptNameCodeSequence)
  return element('section', { key }, name ? element('h2', null, name) : null, ...contents(item))
}

function line(item, key) {
  const name = meaning(item.ConceptNameCodeSequence)
  const below = contents(item)
  return element(
    'div',
    { key },
    element('p', null, name ? element('b', null, `${name}: `) : null, wordsOf(item) ?? words.empty),
    below.length ? element('section', null, ...below) : null,
  )
}

const VALUES = {
  TEXT: (item) => item.TextValue,
  CODE: (item) => meaning(item.ConceptCodeSequence),
  NUM: (item) => {
    const [measured] = many(item.MeasuredValueSequence)
    return (
      measured && [measured.NumericValue, unitOf(measured)].filter((part) => part !== undefined).join(' ')
    )
  },
  PNAME: (item) => many(item.PersonName).map(nameOf).join(', '),
  DATE: (item) => spoken(item.Date),
  TIME: (item) => clock(item.Time),
  DATETIME: (item) => [spoken(item.DateTime), clock(item.DateTime?.slice(8))].filter(Boolean).join(' '),
  UIDREF: (item) => item.UID,
  IMAGE: imageOf,
  COMPOSITE: imageOf,
  WAVEFORM: imageOf,
  SCOORD: (item) => item.GraphicType,
  SCOORD3D: (item) => item.GraphicType,
  TCOORD: (item) => item.TemporalRangeType,
}

const wordsOf = (item) => VALUES[item.ValueType]?.(item) || undefined

/** UCUM's braces hold words, and `1` is no unit at all. */
function unitOf(measured) {
  const [unit] = many(measured.MeasurementUnitsCodeSequence)
  if (!unit || unit.CodeValue === '1') return undefined
  return unit.CodeValue?.startsWith('{') ? unit.CodeMeaning : unit.CodeValue
}

function imageOf(item) {
  const [reference] = many(item.ReferencedSOPSequence)
  const found = instancesHere().find((one) => one.SOPInstanceUID === reference?.ReferencedSOPInstanceUID)
  if (!found) return words.imageElsewhere
  return words.image
    .replace('{number}', found.InstanceNumber ?? '?')
    .replace('{series}', found.SeriesNumber ?? '?')
}

const meaning = (sequence) => many(sequence)[0]?.CodeMeaning

function nameOf(name) {
  const text = typeof name === 'string' ? name : (name?.Alphabetic ?? name?.Ideographic ?? '')
  const [family, given] = text.split('^')
  return [family, given].filter(Boolean).join(', ')
}

function spoken(da) {
  if (!/^\d{8}/.test(da ?? '')) return ''
  return new Date(
    Date.UTC(Number(da.slice(0, 4)), Number(da.slice(4, 6)) - 1, Number(da.slice(6, 8))),
  ).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })
}

const clock = (tm) => (/^\d{4}/.test(tm ?? '') ? `${tm.slice(0, 2)}:${tm.slice(2, 4)}` : '')

/** A sequence of one item comes as that item, now and then. */
function many(sequence) {
  if (sequence === undefined || sequence === null) return []
  return Array.isArray(sequence) ? sequence : [sequence]
}
