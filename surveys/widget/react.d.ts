import type { Attributes, Earshot, Listeners } from './earshot.js'

/** Put the widget into the page and return what speaks to it; `listeners` of the latest rendering are called, each once. */
export function useEarshot(address: string, attributes?: Attributes, listeners?: Listeners): Earshot
