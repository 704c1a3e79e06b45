// What this browser remembers, and only from the visitor's own act on: that they answered or declined, and when.

import { config } from './config.js'
import { guard } from './host.js'

const KEY = 'earshot:' + config.survey
const DAY = 864e5

// Storage throws in sandboxed frames and when it is full or forbidden: then the page's own life is the memory.
const scratch = {}

export const read = key => guard(() => localStorage.getItem(key))() ?? scratch[key] ?? null

export function write(key, value) {
  if (!guard(() => (localStorage.setItem(key, value), true))()) scratch[key] = value
}

export function remove(key) {
  delete scratch[key]
  guard(() => localStorage.removeItem(key))()
}

/** Every key with this beginning, stored or not. */
export function keys(beginning) {
  const found = Object.keys(scratch).concat(guard(() => Object.keys(localStorage))() || [])
  return found.filter(key => key.startsWith(beginning))
}

const remember = days => write(KEY, Date.now() + days * DAY)

export const rememberAnswer = () => remember(config.wait_after_answer_days)
export const rememberDecline = () => remember(config.wait_after_decline_days)

/** Whether the visitor answered or declined so lately that they are left alone. */
export const isAnswered = () => Date.now() < read(KEY)
