/** What a page may say to the widget, and what it hears. */

export interface Person {
  id?: string | number
  email?: string
  name?: string
  /** Hex HMAC-SHA256 with the survey's identity secret over `id` when given, else over the lower-cased e-mail. */
  signature?: string
}

export interface Verdict {
  survey: string
  /** Which rule decided: "waiting", "target", "page", "answered", "sampling", "shown", "closed", "tab", "paused",
   * "origin", "unreachable", or what the service said of this person, such as "quarantine". */
  rule: string
  /** What the rules went by: the survey's settings with the script tag's over them. */
  settings: Record<string, unknown>
  /** Until when the rule holds, if it says: milliseconds since 1970, or the service's time. */
  until?: string
}

export interface Events {
  shown: undefined
  answered: { id: string; score: number; group: string }
  finished: { id: string; comment?: string; answers?: { follow_up: string | string[] } }
  dismissed: undefined
}

export interface Earshot {
  /** Who the visitor is; without anything: nobody known. */
  (command: 'identify', person?: Person): void
  /** Facts that go with the answer. */
  (command: 'properties', facts: Record<string, string | number | boolean | null>): void
  /** A moment worth asking about: shows if the rules allow it. */
  (command: 'ask', touchpoint?: string): void
  /** The visitor wants to speak, whatever the rules say. */
  (command: 'open'): void
  (command: 'close'): void
  /** Call `listener` whenever it happens; the same one is called once however often it is said. Returns what ends it: from
   * `load` always, from the page's own stub once the script is there. */
  <Name extends keyof Events>(command: 'on', event: Name, listener: (detail: Events[Name]) => void): () => void
  <Name extends keyof Events>(command: 'off', event: Name, listener: (detail: Events[Name]) => void): void
  /** Undefined until the script is there. */
  (command: 'explain'): Verdict | undefined
}

export type Listeners = { [Name in keyof Events]?: (detail: Events[Name]) => void }

/** `data-*` attributes of the script tag, without the prefix. */
export interface Attributes {
  mode?: 'popover' | 'inline' | 'tab'
  position?: 'bottom-right' | 'bottom-left' | 'top-right' | 'top-left'
  target?: string
  /** What the tab says. */
  label?: string
  after?: number
  pages?: string
  lang?: string
  touchpoint?: string
  person?: string
  email?: string
  name?: string
  signature?: string
  test?: true
}

/** Put the widget's script into this page, once, and return what speaks to it. */
export function load(address: string, attributes?: Attributes): Earshot

/** Hear with what `listeners()` holds at the time. Returns what ends it. */
export function hear(earshot: Earshot, listeners: () => Listeners | undefined): () => void

declare global {
  interface Window {
    earshot: Earshot
  }
}
