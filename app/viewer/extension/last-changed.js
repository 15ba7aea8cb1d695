/**
 * Which measurement a person drew or changed last. The viewer's own times are whole seconds, and it sets them when it
 * only reckons anew what it shows.
 */

/** Latest last, by annotation. */
const changed = new Set()

export function watchChanges() {
  const { eventTarget } = window.cornerstone
  const { ChangeTypes, Events } = window.cornerstoneTools.Enums
  eventTarget.addEventListener(Events.ANNOTATION_COMPLETED, ({ detail }) => note(detail.annotation))
  eventTarget.addEventListener(Events.ANNOTATION_MODIFIED, ({ detail }) => {
    if (detail.changeType === ChangeTypes.HandlesUpdated) note(detail.annotation)
  })
  eventTarget.addEventListener(Events.ANNOTATION_REMOVED, ({ detail }) =>
    changed.delete(detail.annotation.annotationUID),
  )
}

function note({ annotationUID: uid }) {
  changed.delete(uid)
  changed.add(uid)
}

export const lastChanged = () => [...changed].at(-1)

/** The one of them that was changed last; of those that came with the study, the last. */
export function lastOf(measurements) {
  const turns = [...changed]
  const turnOf = ({ uid }) => turns.indexOf(uid)
  return measurements.reduce((one, other) => (one && turnOf(one) > turnOf(other) ? one : other), null)
}
