// What the loader knows on other people's pages, for the service's own pages: they lie at the service.

export { guard } from '../guard.js'

/** Where the service is, without a slash at the end: every page with this script is one step below. */
export const endpoint = new URL('..', location.href).href.slice(0, -1)

export const make = tag => document.createElement(tag)
