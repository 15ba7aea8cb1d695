/**
 * Our part of OHIF: loaded by it at run time as it stands (no build). It talks to the page around the viewer by
 * postMessage on the same origin, and says in each viewport when an image is a prior's.
 *
 * Up:   { from: 'isocenter-viewer', type: 'ready' | 'key' | 'images' | 'protocol' | 'failed' | 'signed-out' | 'measurement' | 'where' |
 *         'presentation' | 'key-images' | 'layout-kept' | 'superseded', … }
 * Down: { to: 'isocenter-viewer', type: 'open' | 'layout' | 'focus' | 'take-measurement' | 'show-image' | 'where' | 'restore' | 'blank', … }
 */

import { measureWith, startCaret, watchCaret } from './caret.js'
import { inEightBits, unfoldedPalette } from './colours.js'
import { deskAsked } from './desk.js'
import { shutter } from './drawn-shutters.js'
import {
  failedFrames,
  forgetFailedFrames,
  onFailedFrames,
  sayMissing,
  watchFrames,
  watchWanted,
} from './frames.js'
import { hungNow } from './hanging.js'
import { keepPresentation } from './keep-presentation.js'
import { keepKeyImages, toggleKeyImage } from './key-images.js'
import { watchChanges } from './last-changed.js'
import { markHandler } from './mark-series.js'
import { forgetMarks, startMarks, togglePresentation, watchMarks } from './marks.js'
import { chooseWindow, windowsOf } from './own-greys.js'
import { blank, room, watchOwnWindow } from './own-window.js'
import { keepHanging, person, readPerson } from './person.js'
import { reportHandler } from './report.js'
import { watchUnreached } from './unreached.js'
import { guardedViewports } from './viewports.js'

const PRIOR_COLOUR = '#c4a7ff'

/** Layouts the page may ask for; OHIF goes black on a protocol that it does not know. */
const LAYOUTS = ['default', 'mpr', 'main3D', 'mprAnd3DVolumeViewport', '@ohif/hpCompare', '@ohif/mnGrid']

const STACKS = window.config.isocenter.stacks

const seen = new Set()
let services
let commands

export default {
  id: 'isocenter',

  async preRegistration({ servicesManager, commandsManager }) {
    services = servicesManager.services
    commands = commandsManager
    const style = Object.assign(document.createElement('link'), {
      rel: 'stylesheet',
      href: '/viewer/ext/isocenter.css',
    })
    document.head.append(style)
    window.addEventListener('keydown', passKeyUp, { capture: true })
    window.addEventListener('message', obey)
    // OHIF keeps a press on an image from moving the focus; without it no key would reach this frame.
    window.addEventListener('pointerdown', () => window.focus(), { capture: true })
    const { eventTarget, Enums } = window.cornerstone ?? {}
    eventTarget?.addEventListener(Enums.Events.ELEMENT_ENABLED, (event) => watchElement(event.detail.element))
    watchUnreached({ hasStudy: () => services.displaySetService.getActiveDisplaySets().length > 0 })
    watchFrames()
    onFailedFrames(() => tellImages())
    window.isocenter = { ...window.isocenter, windowsOf, chooseWindow, inEightBits, unfoldedPalette }
    startMarks({ services, tell, currentStudy: () => studiesInAddress()[0] })
    startCaret({ services, commands })
    watchChanges()
    await readPerson()
    window.config.isocenter.protocol = person.protocol?.id
  },

  getViewportModule: (managers) => guardedViewports(managers),
  getSopClassHandlerModule: ({ extensionManager }) => [reportHandler(extensionManager), markHandler()],
  getHangingProtocolModule: () =>
    person.protocol ? [{ name: person.protocol.id, protocol: person.protocol }] : [],
  getCommandsModule: () => ({
    definitions: {
      isocenterKeyImage: { commandFn: toggleKeyImage },
      isocenterKeepKeyImages: { commandFn: keepKeyImages },
      isocenterPresentation: { commandFn: togglePresentation },
      isocenterKeepPresentation: { commandFn: keepPresentation },
      isocenterShutter: { commandFn: shutter },
      isocenterKeepHanging: { commandFn: keepHangingNow },
      isocenterLength: { commandFn: () => measureWith('Length') },
      isocenterDiameters: { commandFn: () => measureWith('Bidirectional') },
      isocenterAngle: { commandFn: () => measureWith('Angle') },
    },
    defaultContext: 'DEFAULT',
  }),

  onModeEnter() {
    seen.clear()
    forgetFailedFrames()
    forgetMarks()
    services.customizationService.setCustomizations(
      { 'viewportOverlay.topRight': { $push: [PRIOR_LABEL] } },
      'mode',
    )
    const { hangingProtocolService } = services
    hangingProtocolService.subscribe(hangingProtocolService.EVENTS.PROTOCOL_CHANGED, () =>
      tell('protocol', { protocol: hangingProtocolService.getActiveProtocol()?.protocol?.id ?? null }),
    )
    const { displaySetService } = services
    displaySetService.subscribe(displaySetService.EVENTS.DISPLAY_SETS_CHANGED, () => tellImages())
    tell('ready', { studies: studiesInAddress() })
    watchOwnWindow({ currentStudy: () => studiesInAddress()[0], tell })
  },
}

/** The current study always stands first in the address; whatever else is shown is a prior. */
const PRIOR_LABEL = {
  id: 'IsocenterPrior',
  inheritsFrom: 'ohif.overlayItem',
  title: 'Prior study',
  color: PRIOR_COLOUR,
  condition: ({ referenceInstance }) =>
    Boolean(referenceInstance) && referenceInstance.StudyInstanceUID !== studiesInAddress()[0],
  contentF: ({ referenceInstance }) => `PRIOR ${spokenDate(referenceInstance.StudyDate)}`.trim(),
}

function studiesInAddress() {
  const listed = new URLSearchParams(window.location.search).getAll('StudyInstanceUIDs')
  return listed.flatMap((part) => part.split(',')).filter(Boolean)
}

function spokenDate(da) {
  if (!/^\d{8}$/.test(da ?? '')) return ''
  const date = new Date(Date.UTC(Number(da.slice(0, 4)), Number(da.slice(4, 6)) - 1, Number(da.slice(6, 8))))
  return date.toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  })
}

/** Alt with anything, F2 and F4 belong to the page around us; every plain key belongs to OHIF. */
function passKeyUp(event) {
  const isOurs = event.key === 'F2' || event.key === 'F4' || (event.altKey && event.key !== 'Alt')
  if (!isOurs) return
  event.preventDefault()
  event.stopImmediatePropagation()
  const { key, code, altKey, ctrlKey, shiftKey, metaKey, repeat } = event
  tell('key', { key, code, altKey, ctrlKey, shiftKey, metaKey, repeat })
}

/** Counts each image once, when it has really been drawn. */
function watchElement(element) {
  const { Events, ViewportType } = window.cornerstone.Enums
  let stood = null
  // A stack names an image as its own from the moment that it asks for it, and goes on showing the one before.
  element.addEventListener(Events.STACK_NEW_IMAGE, ({ detail }) => {
    stood = detail.imageId
  })
  const note = () => {
    const viewport = window.cornerstone.getEnabledElement(element)?.viewport
    const image = viewport?.type === ViewportType.STACK ? stood : viewport?.getCurrentImageId?.()
    if (!image || seen.has(image)) return
    seen.add(image)
    tellImages(viewport.type)
  }
  for (const name of ['IMAGE_RENDERED', 'STACK_NEW_IMAGE', 'VOLUME_NEW_IMAGE'])
    element.addEventListener(window.cornerstone.Enums.Events[name], note)
  watchWanted(element)
  watchMarks(element)
  watchCaret(element)
}

function tellImages(layout) {
  const [displayed, missing] = [ofCurrentStudy(seen).length, ofCurrentStudy(failedFrames()).length]
  const available = imagesOfCurrentStudy()
  sayMissing(missing, available)
  tell('images', { displayed, available, missing, layout })
}

// A prior that was looked at is no image of this case.
function ofCurrentStudy(images) {
  const [current] = studiesInAddress()
  return [...images].filter((image) => image.includes(`/studies/${current}/`))
}

/** Frames of images: documents, reports, overlays and what cannot be shown are none. */
function imagesOfCurrentStudy() {
  const [current] = studiesInAddress()
  return services.displaySetService
    .getActiveDisplaySets()
    .filter((set) => set.StudyInstanceUID === current && set.SOPClassHandlerId === STACKS)
    .reduce((images, set) => images + (set.numImageFrames ?? set.instances?.length ?? 0), 0)
}

async function obey(event) {
  if (event.source !== room || event.origin !== window.location.origin) return
  const said = event.data
  if (said?.to !== 'isocenter-viewer') return
  try {
    const answered = await deskAsked(said, { services, commands })
    if (answered) tell(answered.type, answered)
    else if (said.type === 'open') open(said)
    else if (said.type === 'layout') layOut(said)
    else if (said.type === 'focus') focusViewport()
    else if (said.type === 'blank') blank()
  } catch (error) {
    tell('failed', { asked: said.type, message: String(error?.message ?? error) })
  }
}

/** Another case within the same launch, without a reload: the launch decides what may be seen. */
function open({ studies, layout }) {
  const uids = studies.filter((uid) => /^[0-9.]{1,64}$/.test(uid))
  if (uids.length === 0) throw new Error('no study to open')
  const address = new URLSearchParams({
    launch: window.config.isocenter.launch,
    StudyInstanceUIDs: uids.join(','),
  })
  if (LAYOUTS.includes(layout)) address.set('hangingProtocolId', layout)
  commands.runCommand('navigateHistory', { to: `/viewer?${address}` }, 'DEFAULT')
}

function layOut({ layout }) {
  if (!LAYOUTS.includes(layout)) throw new Error(`no such layout: ${layout}`)
  commands.runCommand('setHangingProtocol', { protocolId: layout })
}

/** "Save this layout": for this procedure, for this person, in this place. */
async function keepHangingNow() {
  const { words } = window.config.isocenter
  const say = (type, message) =>
    services.uiNotificationService.show({ title: '', message, type, duration: 4000 })
  if (!person.mayKeepHanging) return say('warning', words.mayNotKeepHanging)
  const layout = hungNow(services, { currentStudy: studiesInAddress()[0], stacks: STACKS })
  if (!layout) return say('warning', words.noLayout)
  const isKept = await keepHanging(layout)
  if (isKept) tell('layout-kept', { layout })
  say(
    isKept ? 'success' : 'error',
    isKept ? words.layoutKept.replace('{procedure}', person.procedure) : words.notKept,
  )
}

function focusViewport() {
  window.focus()
  document.querySelector('[data-cy="viewport-pane"]')?.focus()
}

function tell(type, rest = {}) {
  room?.postMessage({ from: 'isocenter-viewer', type, ...rest }, window.location.origin)
}
