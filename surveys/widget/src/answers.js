// Answers on their way: kept in the browser first, sent at once, and sent again until the service has them.

import { clearTimeout, fetch, json, setTimeout } from './host.js'
import { daysAfterAnswer, endpoint, guard, language, rest, settings, verdict } from './page.js'
import { about } from './visitor.js'

const KEPT = 'earshot-answer:'
const KEPT_FOR = 72 * 3600e3
const LONGEST_WAIT = 300e3

// Storage throws in sandboxed frames and when it is full or forbidden: then the page's own life is the memory.
const scratch = {}
const stored = () => ({ ...guard(() => localStorage)(), ...scratch })

let failures = 0
let notBefore = 0
let timer

/** Random digits in the shape of a UUID (RFC 9562, version 4); crypto.randomUUID is missing on pages without TLS. */
const uuid = () =>
  'xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx'.replace(/x/g, () =>
    (crypto.getRandomValues(new Uint8Array(1)) % 16).toString(16),
  )

// Plain text needs no preflight. The policy keeps the Origin header on pages that send no referrer at all,
// and keepalive lets the call outlive the page. `patience` is in milliseconds.
const post = async (path, body, patience) =>
  fetch(endpoint + path, {
    method: 'POST',
    body,
    credentials: 'omit',
    referrerPolicy: 'origin',
    keepalive: true,
    signal: AbortSignal.timeout?.(patience),
  })

const call = (name, fields) => post(`/w/${verdict.survey}/${name}`, json(fields), 5e3).catch(() => {})

/** May this person be asked now? Resolves to {ask, rule, invitation}; rejects when the service gives no answer. */
export const ask = async ({ person, touchpoint }) => (await call('ask', { person, touchpoint })).json()

/** Count that the survey was shown or dismissed; a count that is lost does no harm. */
export const report = event => call('event', { invitation: about.invitation, event })

/** The answer as it begins. */
export const newAnswer = () => ({
  id: uuid(),
  revision: 0,
  survey: verdict.survey,
  // One holds 122 random bits; nobody is to guess this.
  edit_key: uuid() + uuid(),
  channel: 'widget',
  language,
  // Without query and fragment, which may tell more than the visitor means to.
  page: (location.origin + location.pathname).slice(0, 2000),
  test: 'test' in settings,
})

/** Keep the whole answer under a higher revision, so that the last one says all, and send it with what the page `told`
 * of the visitor; without, should the service refuse it. */
export function save(answer, told, fields) {
  Object.assign(answer, fields)
  answer.revision++
  const key = KEPT + answer.id
  const kept = [endpoint, Date.now(), json({ ...answer, ...told }), json(answer)].join('\n')
  // The latest is in one place alone: storage that was full may have room again.
  delete scratch[key]
  if (!guard(() => (localStorage[key] = kept))()) scratch[key] = kept
  rest(daysAfterAnswer)
  // The call starts before anything is awaited: the visitor may be leaving.
  const sent = deliver(key)
  alone(key, () => sent)
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
export const deliverKept = () =>
  Object.keys(stored()).forEach(key => key.startsWith(KEPT) && alone(key, () => deliver(key)))

/** Send what is kept under `key`; `at` is the line of it that goes. */
async function deliver(key, at = 2) {
  const kept = stored()[key]
  if (!kept) return
  const lines = kept.split('\n')
  if (Date.now() - lines[1] > KEPT_FOR) return remove(key)
  if (lines[0] != endpoint) return
  if (Date.now() < notBefore) return later(notBefore - Date.now())
  // No network is as good as a service that is away.
  const { status, headers } = await post('/r', lines[at], 20e3).catch(() => ({ status: 503 }))
  if (status == 422 && at < 3) return deliver(key, 3)
  if (!/408|429|5../.test(status)) {
    failures = 0
    // A later revision may have taken the place meanwhile; that one stays until it has arrived itself.
    if (stored()[key] == kept) remove(key)
    return
  }
  const asked = headers?.get('Retry-After') * 1000 || 0
  notBefore = Date.now() + asked
  later(Math.max(asked, Math.min(LONGEST_WAIT, (500 + Math.random() * 500) * 2 ** failures++)))
}

function remove(key) {
  delete scratch[key]
  guard(() => delete localStorage[key])()
}

function later(pause) {
  clearTimeout(timer)
  timer = setTimeout(deliverKept, pause)
}
