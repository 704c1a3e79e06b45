// The survey's configuration, put in by the server, with what the script tag's data attributes say over it.

import { select } from './host.js'

/* global __EARSHOT_CONFIG__ */
export const config = __EARSHOT_CONFIG__

// An image called "currentScript" can stand in for the real one: ask for the address then.
const current = document.currentScript
export const script =
  current instanceof HTMLScriptElement ? current : select(`script[src*="/w/${config.survey}.js"]`)

const data = (script && script.dataset) || {}
for (const key of ['mode', 'position', 'theme', 'target']) if (data[key]) config.widget[key] = data[key]
if (data.pages) config.widget.pages = data.pages.split(',')
if (data.after) config.widget.show_after_seconds = +data.after

export const readTag = {
  touchpoint: data.touchpoint,
  test: 'test' in data || undefined,
  person:
    data.person || data.email
      ? { id: data.person, email: data.email, name: data.name, signature: data.signature }
      : undefined,
}
