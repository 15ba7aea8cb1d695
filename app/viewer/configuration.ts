/**
 * The settings OHIF boots with (`/viewer/app-config.js`). They run in the page: the launch stands in the address, and
 * everything that the viewer may ask for lies under it, so it cannot ask for another study.
 */

/** One script for everybody; what differs is in the address, and nothing here is worth caching. */
export function appConfiguration(): string {
  return `(() => {
  const asked = new URLSearchParams(location.search).get('launch') ?? ''
  const launch = /^[0-9A-HJKMNP-TV-Z]{26}$/.test(asked) ? asked : 'none'
  const root = '/dicom-web/launch/' + launch
  window.config = ${JSON.stringify(SETTINGS, null, 2)}
  window.config.isocenter = { launch }
  window.config.httpErrorHandler = (error) => {
    if (error && error.status === 401 && window.parent !== window)
      window.parent.postMessage({ from: 'isocenter-viewer', type: 'signed-out' }, location.origin)
  }
  const dicomweb = window.config.dataSources[0].configuration
  dicomweb.qidoRoot = root
  dicomweb.wadoRoot = root
  dicomweb.wadoUriRoot = root
})()
`
}

const SETTINGS = {
  name: 'isocenter',
  routerBasename: '/viewer',
  extensions: ['/viewer/ext/isocenter.js'],
  modes: [],
  // Its tour of eleven steps lies over the images at every workstation that has never seen it.
  customizationService: { global: { 'ohif.tours': { $set: [] } } },
  showStudyList: false,
  investigationalUseDialog: { option: 'never' },
  showPatientInfo: 'visible',
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
