// For pages built with a bundler: `import { load } from 'earshot-widget'`. It only puts the script tag in.

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
  return (...call) => window.earshot(...call)
}
