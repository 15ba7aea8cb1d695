/**
 * What the person at the workstation keeps on the server: keys and how images are hung. Read once before the viewer
 * opens a study, written as it changes, and never left in this browser, which the next person will use.
 */

const { launch } = window.config.isocenter
const ADDRESS = `/viewer-settings/${launch}`
const AFTER_MS = 300

export const place = window.parent === window ? 'own-window' : 'beside'

export const person = {
  keys: {},
  protocol: null,
  procedure: '',
  reader: '',
  mayKeepHanging: false,
  mayMark: false,
}

export async function readPerson() {
  if (launch === 'none') return
  const answered = await fetch(`${ADDRESS}?place=${place}`).catch(() => null)
  if (answered?.ok) Object.assign(person, await answered.json())
}

let writing

window.isocenter = {
  ...window.isocenter,
  keptKeys: () => JSON.stringify(person.keys),
  keepKeys(text) {
    const keys = JSON.parse(text)
    person.keys = keys
    clearTimeout(writing)
    writing = setTimeout(() => tellServer({ intent: 'keys', keys }), AFTER_MS)
  },
}

export const keepHanging = (layout) => tellServer({ intent: 'hanging', place, layout })

/** @returns whether the server has it */
async function tellServer(said) {
  const answered = await fetch(ADDRESS, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(said),
    keepalive: true,
  }).catch(() => null)
  return Boolean(answered?.ok)
}
