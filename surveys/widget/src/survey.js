// The file that comes when a survey is about to show: the panel, and answers on their way.

import { ask, newAnswer, report, save } from './answers.js'
import { json } from './host.js'
import { daysAfterDecline, decide, guard, learn, many, refuses, rest, settings, verdict } from './page.js'
import { openPanel, openTab, place } from './panel.js'
import { sendKept } from './sender.js'
import { about, hear, hearAll, tell } from './visitor.js'

/* global CHOICES, WHOLE */
/** [focus it, close it] while it is open. */
let panel
let tab
let busy
/** The address at which the service or the visitor said no: it comes by itself only at another. */
let passed
/** Where a page tells the next one of the same tab how far the visitor came. */
let open

/** Keep how far the visitor came; nothing: they are done. */
const mark = state =>
  guard(() => {
    if (state) sessionStorage[open] = json(state)
    else delete sessionStorage[open]
  })()

/** Ask, if a known person may be asked. `wanted`: the visitor opened it, and no rule holds. */
async function show(wanted) {
  // Already there: only a visitor who asked for it is taken to it.
  if (panel || busy) return wanted && panel?.[0]()
  if (settings.rule == 'paused') return refuses()
  if (!place()) return decide('target')
  if (settings.mode == 'tab' && !wanted) return stand()
  if (!wanted && passed == location.href) return
  if (about.person && !wanted) {
    busy = true
    // No word from the service means no question: asking too often is worse than not asking.
    const answer = await ask(about).catch(() => ({}))
    busy = false
    if (!answer.ask) {
      passed = location.href
      return decide(answer.rule || 'unreachable', answer.next_eligible_at)
    }
    about.invitation = answer.invitation
  }
  begin(wanted)
}

/** Put the tab at the edge. */
function stand() {
  tab?.remove()
  tab = openTab(() => show(1))
  decide('tab')
}

/** Show the survey, or go on where `kept` says. */
function begin(wanted, kept) {
  const answer = kept?.answer || newAnswer()
  let { told, given } = kept || {}
  const choose = (score, group) => {
    told = { ...about }
    save(answer, told, { score })
    change(given)
    tell('answered', { id: answer.id, score, group })
  }
  const change = now => {
    given = now
    mark({ answer, told, given })
  }
  const finish = said => {
    let fields = { comment: said }
    if (CHOICES && typeof said != 'string') {
      // Old libraries teach lists, too, to write themselves as JSON, their way.
      said.toJSON = undefined
      fields = { answers: { __proto__: null, follow_up: many ? said : said[0] } }
    }
    save(answer, told, { ...(said.length ? fields : {}), final: true })
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
  panel = openPanel(wanted, answer.score, given, choose, change, finish, closed)
  decide('shown')
  if (!kept) report('shown')
  tell('shown')
}

/** What the loader calls first, with all it has for us and what the page said so far. Returns what to call when the
 * survey is to show, when the page speaks, and when the survey is not to be here. */
export function meet(calls, ...given) {
  if (!WHOLE) learn(given)
  open = 'earshot-open:' + verdict.survey
  hearAll(settings, calls, () => panel?.[1]())
  sendKept()
  const kept = guard(() => JSON.parse(sessionStorage[open]))()
  if (kept && settings.rule != 'paused' && place()) begin(0, kept)
  return [wanted => show(wanted).catch(() => {}), hear, () => tab?.remove()]
}
