// Answers on their way: kept in the browser first, sent at once, and sent again until the service has them.

import { clearTimeout, json, listen, setTimeout } from './host.js'
import { all, remove, write } from './memory.js'
import { about, config, page, post, rest } from './page.js'

const KEPT = 'earshot-answer:'
const KEPT_FOR = 72 * 3600e3
const LONGEST_WAIT = 300e3

let failures = 0
let notBefore = 0
let timer

/** A random UUID (RFC 9562, version 4); crypto.randomUUID is missing on pages without TLS. */
const uuid = () =>
  crypto
    .getRandomValues(new Uint8Array(16))
    .reduce((digits, byte) => digits + (byte + 256).toString(16).slice(1), '')
    .replace(/(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-a$4-')

const call = (name, fields, seconds) => post(`/w/${config.survey}/${name}`, json(fields), seconds)

/** May this person be asked now? Resolves to {ask, rule, invitation}, or to {} when the service gives no answer. */
export const ask = ({ person, touchpoint }) =>
  call('ask', { person, touchpoint }, 5)
    .then(reply => reply.json())
    .catch(() => ({}))

/** Count that the survey was shown or dismissed; a count that is lost does no harm. */
export const report = event => call('event', { invitation: about.invitation || null, event }).catch(() => {})

/** The answer as it begins. */
export const newAnswer = () => ({
  id: uuid(),
  revision: 0,
  survey: config.survey,
  edit_key: uuid() + uuid(),
  channel: 'widget',
  language: config.language,
  // Without query and fragment, which may tell more than the visitor means to.
  page: location.href.split(/[?#]/)[0].slice(0, 2000),
  test: 'test' in page.data || undefined,
})

/** Keep the whole answer under a higher revision, so that the last one says all, and send it. */
export function save(answer, fields) {
  Object.assign(answer, fields)
  answer.revision++
  rest(config.wait_after_answer_days)
  const key = KEPT + answer.id
  write(key, [config.endpoint, Date.now(), json(answer)].join('\n'))
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
  Object.keys(all()).forEach(key => key.startsWith(KEPT) && alone(key, () => deliver(key)))

async function deliver(key) {
  const kept = all()[key]
  if (!kept) return
  const [endpoint, since, body] = kept.split('\n')
  if (Date.now() - since > KEPT_FOR) return remove(key)
  if (endpoint != config.endpoint) return
  if (Date.now() < notBefore) return later(notBefore - Date.now())
  // No network is as good as a service that is away.
  const { status, headers } = await post('/r', body).catch(() => ({ status: 503 }))
  if (status < 500 && status != 429 && status != 408) {
    failures = 0
    // A later revision may have taken the place meanwhile; that one stays until it has arrived itself.
    if (all()[key] == kept) remove(key)
    return
  }
  const asked = headers?.get('Retry-After') * 1000 || 0
  notBefore = Date.now() + asked
  later(Math.max(asked, Math.min(LONGEST_WAIT, 1000 * 2 ** failures++) * (0.5 + Math.random() / 2)))
}

function later(pause) {
  clearTimeout(timer)
  timer = setTimeout(deliverKept, pause)
}

listen(window, 'online', deliverKept)
