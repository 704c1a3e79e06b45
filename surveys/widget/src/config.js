// The survey's configuration, put in by the server, with what the script tag's data attributes say over it.

import { element, guard, select } from './host.js'

/* global __EARSHOT_CONFIG__ */
export const config = __EARSHOT_CONFIG__

// An image called "currentScript" can stand in for the real one: ask for the address then.
const current = document.currentScript
export const script =
  current instanceof HTMLScriptElement ? current : select(`script[src*="/w/${config.survey}.js"]`)

/** The data attributes of the script tag: what is to be different here. */
export const data = script?.dataset || {}

for (const key of ['mode', 'position', 'target']) if (data[key]) config.widget[key] = data[key]
if (data.pages) config.widget.pages = data.pages.split(',')
if (data.after) config.widget.show_after_seconds = +data.after

/** Load the file in the language the tag asks for, with the same tag; true when that is on its way. */
export const loadLanguage = guard(() => {
  const { lang } = data
  if (!lang || lang == config.language || script.src.includes('lang=')) return false
  const other = element('script', { nonce: script.nonce })
  for (const key in data) other.dataset[key] = data[key]
  other.src = script.src + (script.src.includes('?') ? '&' : '?') + 'lang=' + lang
  script.after(other)
  return true
})
