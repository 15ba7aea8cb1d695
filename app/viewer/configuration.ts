/**
 * The settings OHIF boots with (`/viewer/app-config.js`). They run in the page: the launch stands in the address, and
 * everything that the viewer may ask for lies under it, so it cannot ask for another study.
 */

import { t, type WordKey } from '../strings/words.ts'

/** One script for everybody; what differs is in the address, and nothing here is worth caching. */
export function appConfiguration(): string {
  return `(() => {
  const asked = new URLSearchParams(location.search).get('launch') ?? ''
  const launch = /^[0-9A-HJKMNP-TV-Z]{26}$/.test(asked) ? asked : 'none'
  const root = '/dicom-web/launch/' + launch
  window.config = ${JSON.stringify(SETTINGS, null, 2)}
  window.config.isocenter = { launch, ...${JSON.stringify({ viewports: VIEWPORTS, reports: REPORTS, stacks: STACKS, words: WORDS })} }
  // The page around the viewer names the patient; a window of its own has to do so itself.
  window.config.showPatientInfo = window.parent === window ? 'visibleReadOnly' : 'disabled'
  window.config.whiteLabeling = {
    createLogoComponentFn: (React) => {
      window.config.isocenter.React = React
      return React.createElement('span')
    },
  }
  const layout = {
    viewports: { $apply: behindOurs },
    leftPanelInitialExpandedWidth: { $set: window.innerWidth < ${NARROW_PX} ? 146 : 282 },
  }
  window.config.modesConfiguration = {
    '@ohif/mode-longitudinal': {
      hangingProtocol: { $apply: keptOr },
      sopClassHandlers: { $push: ['${OTHER_REPORTS}', '${MARKS}'] },
      routes: { 0: { layoutInstance: { props: layout } } },
    },
  }
  // Read by the extension before OHIF looks at its modes.
  function keptOr(protocol) {
    return window.config.isocenter.protocol ?? protocol
  }
  function behindOurs(viewports) {
    const { viewports: known, reports } = window.config.isocenter
    const marks = { namespace: 'isocenter.viewportModule.marks', displaySetsToDisplay: ['${MARKS}'] }
    return [...viewports, marks].map(({ namespace, displaySetsToDisplay: shown }) => ({
      namespace: known.includes(namespace) ? 'isocenter.viewportModule.' + namespace : namespace,
      displaySetsToDisplay: namespace === reports ? [...shown, '${OTHER_REPORTS}'] : shown,
    }))
  }
  window.config.httpErrorHandler = (error) => {
    if (error && error.status === 401 && window.parent !== window)
      window.parent.postMessage({ from: 'isocenter-viewer', type: 'signed-out' }, location.origin)
    window.isocenter?.notAnswered?.(error)
  }
  const dicomweb = window.config.dataSources[0].configuration
  dicomweb.qidoRoot = root
  dicomweb.wadoRoot = root
  dicomweb.wadoUriRoot = root
})()
`
}

/** Beside a report the viewer has little room: one column of series. */
const NARROW_PX = 1100

const REPORTS = '@ohif/extension-cornerstone-dicom-sr.viewportModule.dicom-sr'

/** Ours, for the classes of structured reports that OHIF knows no handler of. */
const OTHER_REPORTS = 'isocenter.sopClassHandlerModule.report'

/** Presentation states and key object selections, which OHIF does not know. */
const MARKS = 'isocenter.sopClassHandlerModule.marks'

const STACKS = '@ohif/extension-default.sopClassHandlerModule.stack'

/** The viewports of OHIF's mode: each goes behind ours of the same name, so that a broken object stays alone. */
const VIEWPORTS = [
  '@ohif/extension-measurement-tracking.viewportModule.cornerstone-tracked',
  '@ohif/extension-cornerstone.viewportModule.cornerstone',
  REPORTS,
  '@ohif/extension-dicom-pdf.viewportModule.dicom-pdf',
  '@ohif/extension-cornerstone-dicom-seg.viewportModule.dicom-seg',
  '@ohif/extension-cornerstone-dicom-pmap.viewportModule.dicom-pmap',
  '@ohif/extension-cornerstone-dicom-rt.viewportModule.dicom-rt',
]

const WORDS = {
  cannotShow: t('viewer.cannot-show'),
  image: t('viewer.image'),
  imageElsewhere: t('viewer.image-elsewhere'),
  empty: t('viewer.empty'),
  frameMissing: t('viewer.frame-missing'),
  notShown: t('viewer.not-shown'),
  tryAgain: t('viewer.try-again'),
  keyImage: t('viewer.key-image'),
  keyImageNotKept: t('viewer.key-image-not-kept'),
  keyImages: t('viewer.key-images'),
  keyImagesKept: t('viewer.key-images-kept'),
  keyImagesHow: t('viewer.key-images-how'),
  keyImageStands: t('viewer.key-image-stands'),
  presentation: t('viewer.presentation'),
  presentationKept: t('viewer.presentation-kept'),
  shutterHow: t('viewer.shutter-how'),
  greyOnly: t('viewer.grey-only'),
  noStack: t('viewer.no-stack'),
  mayNotMark: t('viewer.may-not-mark'),
  notKept: t('viewer.not-kept'),
  opening: t('viewer.opening'),
  markElsewhere: t('viewer.mark-elsewhere'),
  keyImagePrior: t('viewer.key-image-prior'),
  greysNotKept: t('viewer.greys-not-kept'),
  notAsMade: t('viewer.not-as-made'),
  notShownTable: t('viewer.not-shown.table'),
  notShownWindow: t('viewer.not-shown.window'),
  notShownPalette: t('viewer.not-shown.palette'),
  notShownBlending: t('viewer.not-shown.blending'),
  notShownMask: t('viewer.not-shown.mask'),
  notShownShutter: t('viewer.not-shown.shutter'),
  notShownOverlay: t('viewer.not-shown.overlay'),
  notShownGraphics: t('viewer.not-shown.graphics'),
  notShownTrueSize: t('viewer.not-shown.true-size'),
  notShownAspect: t('viewer.not-shown.aspect'),
  notShownObjects: t('viewer.not-shown.objects'),
  ownWindow: t('viewer.own-window'),
  ownTable: t('viewer.own-table'),
  noLayout: t('viewer.no-layout'),
  caretStands: t('viewer.caret-stands'),
  caretFirstEnd: t('viewer.caret-first-end'),
  caretNextEnd: t('viewer.caret-next-end'),
  caretMeasured: t('viewer.caret-measured'),
  layoutKept: t('viewer.layout-kept'),
  superseded: t('viewer.superseded'),
  noCase: t('viewer.no-case'),
  nothingFound: t('viewer.nothing-found'),
  unreached: t('viewer.unreached'),
  partUnreached: t('viewer.part-unreached'),
  openAgain: t('viewer.open-again'),
  signedOut: t('viewer.signed-out'),
  mayNotKeepHanging: t('viewer.may-not-keep-layout'),
}

interface Action {
  command: string
  word: WordKey
  /** A plain letter that OHIF leaves free; Alt and F-keys belong to the page around it. */
  key: string | null
  icon?: string
}

/** What we add to OHIF's own: each has a key that can be changed, and those with an icon a button. */
const ACTIONS: readonly Action[] = [
  { command: 'isocenterLength', word: 'viewer.length', key: 'm' },
  { command: 'isocenterDiameters', word: 'viewer.diameters', key: 'd' },
  { command: 'isocenterAngle', word: 'viewer.angle', key: 'j' },
  { command: 'isocenterKeyImage', word: 'viewer.act.key-image', key: 'k', icon: 'tool-annotate' },
  { command: 'isocenterKeepKeyImages', word: 'viewer.act.keep-key-images', key: 'g' },
  {
    command: 'isocenterKeepPresentation',
    word: 'viewer.act.keep-presentation',
    key: 's',
    icon: 'cloud-settings',
  },
  { command: 'isocenterPresentation', word: 'viewer.act.presentation', key: 'p' },
  { command: 'isocenterShutter', word: 'viewer.act.shutter', key: 'o' },
  { command: 'isocenterKeepHanging', word: 'viewer.act.keep-layout', key: null, icon: 'layout-common-2x2' },
]

function hotkeyOf({ command, word, key }: Action) {
  return { commandName: command, label: t(word), keys: [key], isEditable: true }
}

function buttonOf({ command, word, key, icon }: Action) {
  const tooltip = key === null ? t(word) : `${t(word)} (${key})`
  return {
    id: command,
    uiType: 'ohif.toolButton',
    props: { icon, label: t(word), tooltip, commands: command, evaluate: 'evaluate.action' },
  }
}

const SETTINGS = {
  name: 'isocenter',
  routerBasename: '/viewer',
  extensions: ['/viewer/ext/isocenter.js'],
  modes: [],
  // Its tour of eleven steps lies over the images at every workstation that has never seen it.
  customizationService: {
    global: {
      'ohif.tours': { $set: [] },
      'ohif.hotkeyBindings': { $push: ACTIONS.filter(({ key }) => key).map(hotkeyOf) },
      'cornerstone.toolbarButtons': { $push: ACTIONS.filter(({ icon }) => icon).map(buttonOf) },
      'cornerstone.toolbarSections': {
        primary: { $push: ACTIONS.filter(({ icon }) => icon).map(({ command }) => command) },
      },
    },
  },
  showStudyList: false,
  investigationalUseDialog: { option: 'never' },
  maxNumberOfWebWorkers: 3,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: false,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true,
  groupEnabledModesFirst: true,
  // A plain question before every measurement slows the reader; tracking is decided when the report is written.
  disableConfirmationPrompts: true,
  measurementTrackingMode: 'simplified',
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
  showErrorDetails: 'dev',
  defaultDataSourceName: 'isocenter',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'isocenter',
      configuration: {
        friendlyName: 'Isocenter',
        name: 'isocenter',
        qidoSupportsIncludeField: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        staticWado: false,
        singlepart: 'bulkdata,video',
        bulkDataURI: { enabled: true, relativeResolution: 'series' },
        omitQuotationForMultipartRequest: true,
      },
    },
  ],
}
