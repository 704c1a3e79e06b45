// For React: `import { useEarshot } from 'earshot-widget/react'`.

import { useEffect, useRef } from 'react'
import { hear, load } from './earshot.js'

/** Put the widget into the page and return what speaks to it. Of `listeners`, {answered: call, …}, those of the latest
 * rendering are called, each once, and none after the component is gone. */
export function useEarshot(address, attributes, listeners) {
  const latest = useRef(listeners)
  useEffect(() => {
    latest.current = listeners
  })
  useEffect(() => hear(load(address, attributes), () => latest.current), [address])
  return (...call) => window.earshot?.(...call)
}
