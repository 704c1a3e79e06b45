// Answers on their way, from whichever page of ours or of others: kept in the browser first, sent at once, and sent
// again until the service has them.

import { clearTimeout, fetch, json, listen, setTimeout } from './host.js'
import { endpoint, guard } from './told.js'

const KEPT = 'earshot-answer:'
const KEPT_FOR = 72 * 3600e3
const LONGEST_WAIT = 300e3

// Storage throws in sandboxed frames and when it is full or forbidden: then the page's own life is the memory.
const scratch = { __proto__: null }
const stored = () => ({ ...guard(() => localStorage)(), ...scratch })

let failures = 0
let notBefore = 0
let timer
let hear
let refused

/* global HOSTED -- set by the build: the service's own page, that shows more, hears more */
/** Call `task(id, outcome)` whenever something becomes of an answer. The outcome is for the widget whether it is kept now,
 * by the service or for the next try by this browser; for the service's own page "arrived", "waits" or "refused". */
export const hearing = task => (hear = task)
const tell = (key, outcome) => hear?.(key.slice(KEPT.length), outcome)

/** The answers that wait here for this service. */
export const waiting = () =>
  Object.entries(stored()).flatMap(([key, kept]) => {
    const lines = kept.split('\n')
    return key.startsWith(KEPT) && lines[0] == endpoint ? guard(() => JSON.parse(lines[3]))() || [] : []
  })

// Plain text needs no preflight. The policy keeps the Origin header on pages that send no referrer at all,
// and keepalive lets the call outlive the page. `patience` is in milliseconds.
export const call = async (path, patience, body) =>
  fetch(endpoint + path, {
    __proto__: null,
    method: body && 'POST',
    body,
    credentials: 'omit',
    referrerPolicy: 'origin',
    keepalive: 1,
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

/** Send what waits, now and whenever it may get through again. `isRefused` finds out whether the service refuses what
 * comes from this page: from the refusal of an origin no page may read that, to a page it looks like a broken line. */
export function sendKept(isRefused) {
  refused = isRefused
  deliverKept()
  listen(window, 'online', deliverKept)
  // Timers hardly run in a tab that nobody looks at.
  listen(document, 'visibilitychange', () => document.hidden || deliverKept())
}

/** Run `task` unless another tab is at this answer; just run it where there are no locks or none are allowed. */
async function alone(key, task) {
  try {
    await navigator.locks.request(key, { __proto__: null, ifAvailable: 1 }, lock => lock && task())
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
  // Of no network and of an origin that is refused a website learns the same: nothing.
  const { status, headers } = await call('/r', 20e3, lines[at]).catch(() => ({
    __proto__: null,
    status: HOSTED ? 503 : 403,
  }))
  if (status == 422 && at < 3) return deliver(key, 3)
  // Without a network it was no try.
  if (!(HOSTED ? /408|429|5../ : /40[38]|429|5../).test(status) || (isOld && navigator.onLine)) {
    failures = 0
    // A later revision may have taken the place meanwhile; that one stays until it has arrived itself.
    if (stored()[key] == kept) remove(key)
    return tell(key, HOSTED ? (status < 300 ? 'arrived' : 'refused') : status < 300)
  }
  // An origin that is refused may be allowed tomorrow: the answer waits, as it does for a service that is away.
  const no = status == 403 && (await refused?.())
  const asked = headers?.get('Retry-After') * 1000 || 0
  notBefore = Date.now() + asked
  const pause = Math.min(LONGEST_WAIT, (500 + Math.random() * 500) * 2 ** (no ? 9 : failures++))
  later(key, Math.max(asked, pause), no)
}

function remove(key) {
  delete scratch[key]
  guard(() => delete localStorage[key])()
}

function later(key, pause, no) {
  clearTimeout(timer)
  timer = setTimeout(deliverKept, pause)
  tell(key, HOSTED ? 'waits' : !no && !scratch[key])
}
