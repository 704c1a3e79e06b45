// What we need of the page we stand on, taken early and from the prototypes, for pages that overwrite things.

import { guard, make } from './told.js'

export const { fetch, setTimeout, clearTimeout } = window
const { stringify } = JSON

/** `fields` as JSON: their own, and as they are. Old libraries teach all objects to write themselves as JSON, their
 * way; the second argument hears of a value before that. */
export const json = fields =>
  stringify({ __proto__: null, ...fields }, function (name) {
    return this[name]
  })

/** Call `task` when `type` happens to `target`; an error in it never reaches the page. */
export const listen = (target, type, task) => target.addEventListener(type, guard(task))

/** A new element with attributes and children; text is always text, and null is no attribute. */
export function element(tag, attributes, ...children) {
  const made = make(tag)
  // Not `for … in`: some pages put things of their own into Object.prototype.
  for (const [name, value] of Object.entries(attributes)) if (value != null) made.setAttribute(name, value)
  made.append(...children)
  return made
}
