// The file that comes when a survey is about to show: the panel, and answers on their way.

import { openPanel, openTab, place } from './panel.js'
import { ask, newAnswer, refused, report } from './answers.js'
import { json } from './host.js'
import { daysAfterAnswer, daysAfterDecline, decide, guard, learn, many, refuses, rest, settings, unseen, verdict } from './page.js'
import { hearing, send, sendKept } from './sender.js'
import { about, hearAll, tell } from './visitor.js'

export { hear } from './visitor.js'

/* global CHOICES, WHOLE */
/** [focus it, close it] while it is open. */
let panel
let tab
let busy
/** A person of whom the service has just said yes. */
let granted
/** The address at which the service or the visitor said no: it comes by itself only at another. */
let passed
/** Where a page tells the next one of the same tab how far the visitor came. */
let open

/** Keep how far the visitor came; nothing: they are done. */
const mark = state =>
  guard(() => (state ? (sessionStorage[open] = json(state)) : delete sessionStorage[open]))()

/** What the page before kept. */
const halfway = () => guard(() => JSON.parse(sessionStorage[open]))()

/** Ask, if a known person may be asked. `wanted`: the visitor opened it. Then, and where they are in the midst of it, no
 * rule holds but those of the place. */
async function show(wanted) {
  const free = wanted || halfway()
  if ((!free || /^[po]/.test(settings.rule)) && refuses()) return tab?.remove()
  // Already there: only a visitor who asked for it is taken to it.
  if (panel || busy) return wanted && panel?.[0]()
  if (unseen(() => come(wanted))) return
  if (!place()) return decide('target')
  if (!free) {
    if (settings.mode == 'tab') {
      if (!tab?.isConnected) tab = openTab(() => come(1))
      return decide('tab')
    }
    if (passed == location.href) return
    const { person } = about
    if (person && person != granted) {
      busy = 1
      // No word from the service means no question: asking too often is worse than not asking.
      const answer = { __proto__: null, ...(await ask(about).catch(() => {})) }
      busy = 0
      if (!answer.ask) {
        passed = location.href
        return decide(answer.rule || settings.rule || 'unreachable', answer.next_eligible_at)
      }
      about.invitation = answer.invitation
      granted = person
      // The page may have gone out of sight since, or elsewhere.
      return show()
    }
  }
  granted = 0
  begin(wanted)
}

/** The same, an error in it never reaches the page. */
export const come = wanted => show(wanted).catch(() => {})

/** Show the survey, or go on where the visitor was on the page before. */
function begin(wanted) {
  const kept = { __proto__: null, ...halfway() }
  const answer = { __proto__: null, ...(kept.answer || newAnswer()) }
  let { told, given } = kept
  const begun = Date.now()
  const save = fields => {
    send(answer, told, { ...fields, seconds: (Date.now() - begun) / 1e3 | 0 })
    rest(daysAfterAnswer)
  }
  const choose = (score, group) => {
    told = { __proto__: null, ...about }
    save({ score })
    change(given)
    tell('answered', { id: answer.id, score, group })
  }
  const change = now => {
    given = now
    mark({ answer, told, given })
  }
  const finish = (said, ticked) => {
    let fields = { comment: said }
    if (CHOICES && typeof said != 'string')
      fields = { answers: { __proto__: null, follow_up: many ? said : said[0] } }
    const contact = CHOICES && ticked && (ticked[1] ? 'both' : ticked[0] || null)
    save({ ...(said.length && fields), ...(CHOICES && ticked && { contact }), final: true })
    mark()
    tell('finished', { id: answer.id, ...fields })
  }
  const closed = dismissed => {
    panel = null
    passed = location.href
    mark()
    decide('closed')
    if (!dismissed) return
    rest(daysAfterDecline)
    report('dismissed')
    tell('dismissed')
  }
  const draw = wanted =>
    (panel = openPanel(wanted, answer.score, given, choose, change, finish, closed, draw))
  hearing((id, kept) => id == answer.id && panel?.[2](kept))
  draw(wanted)
  decide('shown')
  if (!kept.answer) report('shown')
  tell('shown')
}

/** What the loader calls first, with all it has for us and what the page said so far; later it calls `come` when the
 * survey may show or the rules are to be looked at again, and `hear` when the page speaks. */
export function meet(calls, ...given) {
  if (!WHOLE) learn(given)
  open = 'earshot-open:' + verdict.survey
  hearAll(settings, calls, () => panel?.[1]())
  sendKept(refused)
  if (halfway()) come()
}
