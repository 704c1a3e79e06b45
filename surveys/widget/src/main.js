// The script a website embeds: decides when to ask, shows the panel, and never harms the page it is on.

import { config, readTag } from './config.js'
import { ask, deliverKept, newAnswer, report } from './answers.js'
import { hasPlace, openPanel, openTab } from './panel.js'
import { guard } from './host.js'
import { isAnswered, rememberDecline } from './memory.js'
import { matchesPage, watchPage, watchVisitor } from './moments.js'

const LASTING = ['identify', 'properties', 'on']
const listeners = { __proto__: null }
let person = readTag.person
let properties
let touchpoint = readTag.touchpoint
let panel
let tab
let invitation = null
let asking = false
let verdict = ['waiting', 'for the moment set in the survey']

const tell = (event, detail) => (listeners[event] || []).forEach(listener => guard(listener)(detail))

const hide = (rule, reason) => {
  verdict = [rule, reason]
}

const commands = {
  __proto__: null,

  /** Say who the visitor is: {id, email, name, signature}. Other keys are left out. */
  identify(given) {
    person = {}
    for (const key of ['id', 'email', 'name', 'signature'])
      if (given && given[key] != null) person[key] = '' + given[key]
  },

  /** Add facts that go with the answer: plain strings, numbers and booleans. */
  properties(given) {
    properties = { ...properties, ...given }
  },

  /** The visitor wants to speak: show the survey now, whatever the rules say. */
  open() {
    if (!config.paused) show(true)
  },

  close() {
    if (panel) panel.close()
  },

  /** Something happened that is worth asking about: show the survey if the rules allow it. */
  ask(at) {
    if (at) touchpoint = '' + at
    consider()
  },

  /** Call `listener` on 'shown', 'answered', 'finished' or 'dismissed'. */
  on(event, listener) {
    (listeners[event] = listeners[event] || []).push(listener)
  },

  /** Which rule decided, and why: {survey, shown, rule, reason}. */
  explain() {
    return { survey: config.survey, shown: !!panel, rule: verdict[0], reason: verdict[1] }
  },
}

/** Go through the rules in order; the first that refuses is what `explain` tells. */
async function consider() {
  const { widget } = config
  if (panel || asking) return
  if (config.paused) return hide('paused', 'the survey is paused')
  if (!matchesPage(widget.pages)) return hide('page', 'no pattern in `pages` matches this address')
  if (isAnswered()) return hide('answered', 'this visitor answered or declined not long ago')
  if (!person && Math.random() >= (config.sampling ?? 1)) return hide('sampling', 'not drawn this time')
  if (!hasPlace()) return hide('target', 'no element to stand in')
  if (person) {
    asking = true
    // No word from the service means no question: asking too often is worse than not asking.
    const answer = await ask(person, touchpoint).catch(() => ({ rule: 'unreachable' }))
    asking = false
    if (!answer.ask) return hide(answer.rule, 'the service says not now')
    invitation = answer.invitation
  }
  show()
}

function show(wanted) {
  if (panel) return panel.focus()
  const answer = newAnswer()
  panel = openPanel({
    wanted,
    choose(score, group) {
      answer.save({ score, invitation, person, properties, touchpoint })
      tell('answered', { id: answer.id, score, group })
    },
    finish(comment) {
      answer.save({ comment: comment || undefined, final: true })
      tell('finished', { id: answer.id, comment })
    },
    closed(dismissed) {
      panel = null
      hide('closed', 'it was closed')
      if (!dismissed) return
      rememberDecline()
      report('dismissed', invitation)
      tell('dismissed')
    },
  })
  if (!panel) return hide('target', 'no element to stand in')
  hide('shown', wanted ? 'it was opened' : 'every rule agreed')
  report('shown', invitation)
  tell('shown')
}

function start() {
  const { widget } = config
  deliverKept()
  if (config.paused) return consider()
  if (widget.mode == 'tab') {
    watchPage(() => {
      if (tab) tab.remove()
      tab = matchesPage(widget.pages) && openTab(() => show(true))
      hide('tab', 'waits for a click on the tab')
    })
  } else {
    watchVisitor(widget, consider)
  }
}

guard(() => {
  const before = window.earshot
  const calls = (before && before.q) || []
  // Two surveys on one page share the one global; the same survey twice is one too many.
  const surveys = (before && before.surveys) || { __proto__: null }
  const run = guard((command, ...rest) => commands[command] && commands[command](...rest))
  if (surveys[config.survey]) return
  surveys[config.survey] = run
  // What was said before this survey came holds for it too; only the first takes up "open" and the like.
  for (const call of calls) if (!before.surveys || LASTING.includes(call[0])) run(...call)
  if (!before || !before.surveys) {
    window.earshot = function () {
      let last
      calls.push(arguments)
      for (const id in surveys) last = surveys[id](...arguments) ?? last
      return last
    }
    window.earshot.surveys = surveys
    window.earshot.q = calls
  }
  start()
})()
