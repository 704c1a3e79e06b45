// For pages built with a bundler: `import { load } from 'earshot-widget'`. It only puts the script tag in.

/** What can be heard. */
export const EVENTS = ['shown', 'answered', 'finished', 'dismissed']

/** Put the widget's script into this page, once, and return what speaks to it. */
export function load(address, attributes = {}) {
  window.earshot ||= (...call) => {
    ;(window.earshot.q ||= []).push(call)
  }
  if (![...document.scripts].some(({ src }) => src == address)) {
    const script = Object.assign(document.createElement('script'), { src: address, async: true })
    for (const [name, value] of Object.entries(attributes)) script.dataset[name] = value
    document.head.append(script)
  }
  return (...call) => {
    const told = window.earshot(...call)
    // Also before the script is there.
    return call[0] == 'on' ? () => window.earshot('off', ...call.slice(1)) : told
  }
}

/** Hear with what `listeners()` holds at the time, {answered: call, …}. Returns what ends it. */
export function hear(earshot, listeners) {
  const ends = EVENTS.map(event => earshot('on', event, detail => listeners()?.[event]?.(detail)))
  return () => ends.forEach(end => end())
}
