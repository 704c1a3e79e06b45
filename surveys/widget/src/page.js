// What the panel knows: the survey's words, put in by the server, and the page, told by the loader.

import { fetch, guard } from './host.js'

/* global __EARSHOT_SURVEY__ */
export const config = __EARSHOT_SURVEY__

/** What the loader gave: {q, data, script, verdict, agrees}. */
export let page
/** What goes with an answer: {person, properties, touchpoint, invitation}. */
export let about

const listeners = []

const commands = {
  __proto__: null,

  /** Who the visitor is: {id, email, name, signature}, other keys are left out. Nothing: nobody known. */
  identify(given) {
    about.person = undefined
    for (const key of ['id', 'email', 'name', 'signature'])
      if (given[key] != null) about.person = { __proto__: null, ...about.person, [key]: '' + given[key] }
  },

  /** Facts that go with the answer: plain strings, numbers and booleans. */
  properties(given) {
    about.properties = { __proto__: null, ...about.properties, ...given }
  },

  /** The moment asked about. */
  ask(at) {
    if (at) about.touchpoint = '' + at
  },

  /** Call `listener` on 'shown', 'answered', 'finished' or 'dismissed'. */
  on(event, listener) {
    listeners.push([event, listener])
  },
}

/** Learn what the page is and all it has said so far, and hear what it says from now on. */
export function learn(given, close) {
  page = given
  const { data, q } = page
  about = { touchpoint: data.touchpoint }
  commands.close = close
  const hear = guard(([command, ...rest]) => commands[command](...rest))
  if (data.person || data.email) commands.identify({ ...data, id: data.person })
  q.forEach(hear)
  page.hear = hear
}

export const tell = (event, detail) => listeners.forEach(([name, listener]) => name == event && guard(listener)(detail))

/** Say which rule decided, and until when it does. */
export const decide = (rule, until) => void Object.assign(page.verdict, { rule, until })

/** Leave the visitor alone for some days; where nothing can be stored, for the life of this page. */
export const rest = days =>
  guard(() => (localStorage['earshot:' + config.survey] = Date.now() + days * 864e5))() ||
  (page.agrees = () => decide('answered'))

// Plain text needs no preflight. The policy keeps the Origin header on pages that send no referrer at all,
// and keepalive lets the call outlive the page.
export const post = async (path, body, seconds = 20) =>
  fetch(config.endpoint + path, {
    method: 'POST',
    body,
    credentials: 'omit',
    referrerPolicy: 'origin',
    keepalive: true,
    signal: AbortSignal.timeout?.(seconds * 1000),
  })
