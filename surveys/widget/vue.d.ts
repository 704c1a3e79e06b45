import type { Attributes, Earshot, Listeners } from './earshot.js'

/** Put the widget into the page and return what speaks to it; `listeners` are called until the component is gone. */
export function useEarshot(address: string, attributes?: Attributes, listeners?: Listeners): Earshot
