// What we need of the page we stand on, taken early and from the prototypes, for pages that overwrite things.

const { createElement, querySelector } = Document.prototype

export const { fetch, setTimeout, clearTimeout } = window
// Without a prototype: old libraries teach all objects to write themselves as JSON, their way.
const { stringify } = JSON
export const json = fields => stringify({ __proto__: null, ...fields })

/** The same function, but an error in it never reaches the page. */
export const guard = task => (...given) => {
  try {
    return task(...given)
  } catch {
    // Nothing of ours is worth the page's peace.
  }
}

/** Call `task` when `type` happens to `target`. */
export const listen = (target, type, task) => target.addEventListener(type, guard(task))

/** The first element that matches a selector, or null; a selector that cannot be read is null too. */
export const select = selector => guard(() => querySelector.call(document, selector))() || null

/** A new element with attributes and children; text is always text. */
export function element(tag, attributes = {}, ...children) {
  const made = createElement.call(document, tag)
  // Not `for … in`: some pages put things of their own into Object.prototype.
  for (const [name, value] of Object.entries(attributes)) if (value != null) made.setAttribute(name, value)
  made.append(...children)
  return made
}
