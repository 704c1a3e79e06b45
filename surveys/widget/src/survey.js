// The file that comes when a survey is about to show: the panel, and answers on their way.

import { ask, deliverKept, newAnswer, report, save } from './answers.js'
import { guard, json, listen } from './host.js'
import { about, config, decide, learn, page, rest, tell } from './page.js'
import { openPanel, openTab, place } from './panel.js'

/* global CHOICES */
const OPEN = 'earshot-open:' + config.survey

let panel
let tab
let busy

/** What a page before this one of the same tab began: {answer, given}. */
const begun = () => guard(() => JSON.parse(sessionStorage[OPEN]))()

/** Keep how far the visitor came for the next page of this tab; nothing: they are done. */
const mark = state =>
  guard(() => {
    if (state) sessionStorage[OPEN] = json(state)
    else sessionStorage.removeItem(OPEN)
  })()

/** Ask, if a known person may be asked. `wanted`: the visitor opened it, and no rule holds. */
async function show(wanted) {
  if (panel || busy) return panel?.focus()
  if (config.paused) return page.agrees()
  if (!place()) return decide('target')
  if (page.data.mode == 'tab' && !wanted) return stand()
  if (about.person && !wanted) {
    busy = true
    // No word from the service means no question: asking too often is worse than not asking.
    const answer = await ask(about)
    busy = false
    if (!answer.ask) return decide(answer.rule || 'unreachable', answer.next_eligible_at)
    about.invitation = answer.invitation || undefined
  }
  open(wanted)
}

/** Put the tab at the edge, until the address changes to one where it is not to be. */
function stand() {
  if (!tab && window.navigation)
    listen(navigation, 'navigatesuccess', () => {
      if (!page.agrees()) tab.remove()
    })
  tab?.remove()
  tab = openTab(() => show(true))
  decide('tab')
}

/** Show the survey, or go on with `kept`. */
function open(wanted, kept) {
  const answer = kept?.answer || newAnswer()
  let given = kept?.given
  panel = openPanel({
    wanted,
    chosen: answer.score,
    given,
    choose(score, group) {
      save(answer, { score, ...about })
      mark({ answer, given })
      tell('answered', { id: answer.id, score, group })
    },
    change(now) {
      given = now
      mark({ answer, given })
    },
    finish(said) {
      let fields = { comment: said }
      if (CHOICES && typeof said != 'string') {
        // Old libraries teach lists, too, to write themselves as JSON, their way.
        said.toJSON = undefined
        fields = { answers: { __proto__: null, follow_up: config.many ? said : said[0] } }
      }
      save(answer, { ...(said.length ? fields : {}), final: true })
      mark()
      tell('finished', { id: answer.id, ...fields })
    },
    closed(dismissed) {
      panel = null
      mark()
      decide('closed')
      if (!dismissed) return
      rest(config.wait_after_decline_days)
      report('dismissed')
      tell('dismissed')
    },
  })
  decide('shown')
  if (!kept) report('shown')
  tell('shown')
}

/** What the loader calls first, with what it has for us. */
export function meet(given) {
  learn(given, () => panel?.close())
  given.show = wanted => show(wanted).catch(() => {})
  deliverKept()
  const kept = begun()
  if (kept && !config.paused && place()) open(false, kept)
}
