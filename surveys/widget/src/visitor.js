// What the page says of its visitor, and who of the page listens to what the visitor does.

import { device, guard } from './page.js'

/** What goes with an answer: {person, properties, touchpoint, invitation}. */
export const about = { __proto__: null, invitation: null }

const listeners = { __proto__: null }

const commands = {
  __proto__: null,

  /** Who the visitor is: {id, email, name, signature}, other keys are left out. Nothing: nobody known. */
  identify(given) {
    about.person = undefined
    given = { __proto__: null, ...given }
    for (const key of ['id', 'email', 'name', 'signature'])
      // Left out what the service would refuse: a part of an id would be somebody else.
      if ((key == 'email' ? /^\S+@\S+$/ : /^.{1,200}$/s).test(given[key] ?? ''))
        (about.person ||= { __proto__: null })[key] = '' + given[key]
  },

  /** Facts that go with the answer: plain strings, numbers and booleans. */
  properties(given) {
    about.properties = { __proto__: null, ...about.properties }
    for (const [name, value] of Object.entries(given))
      if (/str|num|boo/.test(typeof value)) about.properties[name] = value.slice?.(0, 2000) ?? value
  },

  /** The moment asked about. */
  ask(at) {
    if (at) about.touchpoint = ('' + at).slice(0, 200)
  },

  /** Call `listener` on 'shown', 'answered', 'finished' or 'dismissed'; said twice, it is called once. */
  on(event, listener) {
    ;(listeners[event] ||= new Set()).add(listener)
  },

  /** Call it no longer. */
  off(event, listener) {
    listeners[event].delete(listener)
  },
}

/** Hear one call of `earshot(…)`; one that makes no sense does no harm. */
export const hear = ([command, ...rest]) => guard(() => commands[command](...rest))()

/** Hear what the script tag and the page said before we came. `close` is what that command does. */
export function hearAll(settings, calls, close) {
  const { touchpoint, person, email } = settings
  commands.ask(touchpoint)
  device?.(commands)
  commands.close = close
  if (person || email) commands.identify({ ...settings, id: person })
  calls.forEach(hear)
}

export const tell = (event, detail) => listeners[event]?.forEach(listener => guard(listener)(detail))
