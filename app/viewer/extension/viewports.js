/**
 * Ours in front of each of OHIF's viewports: what fails in one is said in its place, and the rest of the study stays
 * on the screen; left to OHIF, one object that it stumbles over takes the whole viewer away.
 */
import { markViewport } from './mark-series.js'
import { reportViewport } from './report.js'

const { viewports, reports, stacks, words } = window.config.isocenter

/** A module of each name that the settings put before one of OHIF's. */
export function guardedViewports({ extensionManager, servicesManager }) {
  return [markModule(servicesManager), ...viewports.map(guarded)]

  function guarded(name) {
    const theirs = () => extensionManager.getModuleEntry(name)
    const inner =
      name === reports
        ? reportViewport(theirs, servicesManager)
        : (props) => element(theirs().component, props)
    return {
      name,
      component: (props) => element(guard(), { key: keyOf(props), ...props, inner }),
      isReferenceViewable: (...asked) => theirs()?.isReferenceViewable?.(...asked) ?? false,
    }
  }
}

/** A mark has no viewport of its own: it leads to the images that it is about. */
function markModule(servicesManager) {
  const inner = markViewport(stacks, servicesManager)
  return {
    name: 'marks',
    component: (props) =>
      element(guard(), { key: keyOf(props), ...props, inner: (more) => element(inner, more) }),
    isReferenceViewable: () => false,
  }
}

// Another object in the same viewport gets another guard; images share theirs, which keeps its canvas warm.
function keyOf({ displaySets }) {
  const [first] = displaySets
  return first?.isDerivedDisplaySet || first?.Modality === 'SR' ? first.displaySetInstanceUID : 'images'
}

const element = (type, props) => window.config.isocenter.React.createElement(type, props)

let Guard

// OHIF hands its React over when it draws its header, which is before any viewport.
function guard() {
  Guard ??= class extends window.config.isocenter.React.Component {
    state = { failed: false }

    static getDerivedStateFromError() {
      return { failed: true }
    }

    render() {
      const { inner, ...props } = this.props
      return this.state.failed
        ? element('p', { className: 'isocenter-cannot-show', role: 'alert', children: words.cannotShow })
        : element(inner, props)
    }
  }
  return Guard
}
