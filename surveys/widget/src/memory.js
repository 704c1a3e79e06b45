// Answers that wait in this browser.

import { guard } from './host.js'

// Storage throws in sandboxed frames and when it is full or forbidden: then the page's own life is the memory.
const scratch = {}

export const all = () => ({ ...guard(() => localStorage)(), ...scratch })

export const write = (key, value) => guard(() => (localStorage[key] = value))() || (scratch[key] = value)

export function remove(key) {
  delete scratch[key]
  guard(() => localStorage.removeItem(key))()
}
