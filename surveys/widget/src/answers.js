// Answers on their way: kept in the browser first, sent at once, and sent again until the service has them.

import { config, data } from './config.js'
import { clearTimeout, fetch, setTimeout, stringify } from './host.js'
import { keys, read, rememberAnswer, remove, write } from './memory.js'

const KEPT = 'earshot-answer:'
const KEPT_FOR = 72 * 3600e3
const LONGEST_WAIT = 300e3

const sending = {}
let failures = 0
let notBefore = 0
let timer

/** 128 random bits as 32 hexadecimal digits. */
const random = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => (byte + 256).toString(16).slice(1)).join('')

/** A random UUID (RFC 9562, version 4); crypto.randomUUID is missing on pages without TLS. */
const uuid = () => random().replace(/(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-a$4-')

// Plain text needs no preflight. The policy keeps the Origin header on pages that send no referrer at all,
// and keepalive lets the call outlive the page.
async function post(path, body, seconds = 20) {
  return fetch(config.endpoint + path, {
    method: 'POST',
    body,
    credentials: 'omit',
    referrerPolicy: 'origin',
    keepalive: true,
    signal: AbortSignal.timeout && AbortSignal.timeout(seconds * 1000),
  })
}

/** May this person be asked now? Resolves to {ask, rule, invitation}; rejects when the service gives no answer. */
export async function ask(person, touchpoint) {
  const reply = await post(`/w/${config.survey}/ask`, stringify({ person, touchpoint }), 5)
  if (!reply.ok) throw reply.status
  return reply.json()
}

/** Count that the survey was shown or dismissed; a count that is lost does no harm. */
export const report = (event, invitation) =>
  post(`/w/${config.survey}/event`, stringify({ invitation: invitation || null, event })).catch(() => {})

/** One answer. Each `save` keeps the whole of it under a higher revision, so that the last one says all. */
export function newAnswer() {
  const answer = {
    id: uuid(),
    revision: 0,
    survey: config.survey,
    edit_key: random(),
    channel: 'widget',
    language: config.language,
    test: 'test' in data || undefined,
  }
  // The address without query and fragment, which may tell more than the visitor means to.
  if (/^http/.test(location.protocol)) answer.page = (location.origin + location.pathname).slice(0, 2000)
  return {
    id: answer.id,
    save(fields) {
      Object.assign(answer, fields)
      answer.revision++
      rememberAnswer()
      const key = KEPT + answer.id
      write(key, [config.endpoint, Date.now(), stringify(answer)].join('\n'))
      // The call starts before anything is awaited: the visitor may be leaving.
      const sent = deliver(key)
      alone(key, () => sent)
    },
  }
}

/** Run `task` while no other tab holds this answer; where browsers know no locks, just run it. */
const alone = (key, task) =>
  navigator.locks
    ? navigator.locks.request(key, { ifAvailable: true }, lock => lock && task()).catch(task)
    : task()

/** Send what earlier pages could not, one sender over all tabs. */
export const deliverKept = () => keys(KEPT).forEach(key => alone(key, () => deliver(key)))

async function deliver(key) {
  const kept = read(key)
  if (!kept || sending[kept]) return
  const [endpoint, since, body] = kept.split('\n')
  if (Date.now() - since > KEPT_FOR) return remove(key)
  if (endpoint != config.endpoint) return
  const wait = notBefore - Date.now()
  if (wait > 0) return later(wait)
  sending[kept] = true
  let retry = true
  let seconds = 0
  try {
    const reply = await post('/r', body)
    retry = reply.status >= 500 || reply.status == 429 || reply.status == 408
    seconds = +reply.headers.get('Retry-After') || 0
  } catch {
    // No network, or the service is away.
  }
  delete sending[kept]
  if (!retry) {
    failures = 0
    // A later revision may have taken the place meanwhile; that one stays until it has arrived itself.
    if (read(key) == kept) remove(key)
    return
  }
  const pause = Math.max(seconds * 1000, Math.min(LONGEST_WAIT, 1000 * 2 ** failures++) * (0.5 + Math.random() / 2))
  if (seconds) notBefore = Date.now() + pause
  later(pause)
}

function later(pause) {
  clearTimeout(timer)
  timer = setTimeout(deliverKept, pause)
}

addEventListener('online', deliverKept)
