// Answers on their way, from whichever page of ours or of others: kept in the browser first, sent at once, and sent
// again until the service has them.

import { clearTimeout, fetch, json, listen, setTimeout } from './host.js'
import { endpoint, guard } from './told.js'

/* global HOSTED -- set by the build: only the service's own page hears what became of an answer */

const KEPT = 'earshot-answer:'
const KEPT_FOR = 72 * 3600e3
const LONGEST_WAIT = 300e3

// Storage throws in sandboxed frames and when it is full or forbidden: then the page's own life is the memory.
const scratch = {}
const stored = () => ({ ...guard(() => localStorage)(), ...scratch })

let failures = 0
let notBefore = 0
let timer
let hear

/** Call `task(id, outcome)` whenever something becomes of an answer: it "arrived", "waits" or was "refused". */
export const hearing = task => (hear = task)
const tell = (key, outcome) => HOSTED && hear?.(key.slice(KEPT.length), outcome)

/** The answers that wait here for this service. */
export const waiting = () =>
  Object.entries(stored()).flatMap(([key, kept]) => {
    const lines = kept.split('\n')
    return key.startsWith(KEPT) && lines[0] == endpoint ? guard(() => JSON.parse(lines[3]))() || [] : []
  })

// Plain text needs no preflight. The policy keeps the Origin header on pages that send no referrer at all,
// and keepalive lets the call outlive the page. `patience` is in milliseconds.
export const post = async (path, body, patience) =>
  fetch(endpoint + path, {
    method: 'POST',
    body,
    credentials: 'omit',
    referrerPolicy: 'origin',
    keepalive: true,
    signal: AbortSignal.timeout?.(patience),
  })

/** Keep the whole answer under a higher revision, so that the last one says all, and send it with what the page `told`
 * of the visitor; without, should the service refuse it. */
export function send(answer, told, fields) {
  Object.assign(answer, fields)
  answer.revision++
  const key = KEPT + answer.id
  const kept = [endpoint, Date.now(), json({ ...answer, ...told }), json(answer)].join('\n')
  // The latest is in one place alone: storage that was full may have room again.
  delete scratch[key]
  if (!guard(() => (localStorage[key] = kept))()) scratch[key] = kept
  // The call starts before anything is awaited: the visitor may be leaving.
  const sent = deliver(key)
  alone(key, () => sent)
}

/** Send what waits, now and whenever it may get through again. */
export function sendKept() {
  deliverKept()
  listen(window, 'online', deliverKept)
  // Timers hardly run in a tab that nobody looks at.
  listen(document, 'visibilitychange', deliverKept)
}

/** Run `task` unless another tab is at this answer; just run it where there are no locks or none are allowed. */
async function alone(key, task) {
  try {
    await navigator.locks.request(key, { ifAvailable: true }, lock => lock && task())
  } catch {
    task()
  }
}

/** Send what earlier pages could not, one sender over all tabs. */
const deliverKept = () =>
  Object.keys(stored()).forEach(key => key.startsWith(KEPT) && alone(key, () => deliver(key)))

/** Send what is kept under `key`; `at` is the line of it that goes. */
async function deliver(key, at = 2) {
  const kept = stored()[key]
  if (!kept) return
  const lines = kept.split('\n')
  // By a clock that may have been wrong when it was kept: so ours has one try more.
  const isOld = Date.now() - lines[1] > KEPT_FOR
  if (lines[0] != endpoint) return isOld && remove(key)
  if (Date.now() < notBefore) return later(key, notBefore - Date.now())
  // No network is as good as a service that is away.
  const { status, headers } = await post('/r', lines[at], 20e3).catch(() => ({ status: 503 }))
  if (status == 422 && at < 3) return deliver(key, 3)
  // Without a network it was no try.
  if (!/408|429|5../.test(status) || (isOld && navigator.onLine)) {
    failures = 0
    // A later revision may have taken the place meanwhile; that one stays until it has arrived itself.
    if (stored()[key] == kept) remove(key)
    tell(key, status < 300 ? 'arrived' : 'refused')
    return
  }
  const asked = headers?.get('Retry-After') * 1000 || 0
  notBefore = Date.now() + asked
  later(key, Math.max(asked, Math.min(LONGEST_WAIT, (500 + Math.random() * 500) * 2 ** failures++)))
}

function remove(key) {
  delete scratch[key]
  guard(() => delete localStorage[key])()
}

function later(key, pause) {
  clearTimeout(timer)
  timer = setTimeout(deliverKept, pause)
  tell(key, 'waits')
}
