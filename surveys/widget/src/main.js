// The script a website embeds: decides when to ask, shows the panel, and never harms the page it is on.

import { config, data, loadLanguage } from './config.js'
import { ask, deliverKept, newAnswer, report } from './answers.js'
import { hasPlace, openPanel, openTab } from './panel.js'
import { guard } from './host.js'
import { isAnswered, rememberDecline } from './memory.js'
import { matchesPage, watchElements, watchPage, watchVisitor } from './moments.js'

// Commands that also hold for a survey whose script comes later.
const LASTING = ['identify', 'properties', 'on']

const listeners = []
// Once for the page: an address that changes within it is no second chance.
const drawn = Math.random()
let person
let properties
let touchpoint = data.touchpoint
let panel
let tab
let invitation
let asking = false
let verdict = ['waiting', 'for the moment set in the survey']

const tell = (event, detail) => listeners.forEach(([name, listener]) => name == event && guard(listener)(detail))

const decide = (...told) => (verdict = told)

/** Whether nothing can be shown at all, whoever wants it. */
const isBlocked = () =>
  config.paused ? decide('paused', 'the survey is paused') : !hasPlace() && decide('target', 'no element to stand in')

const commands = {
  __proto__: null,

  /** Say who the visitor is: {id, email, name, signature}, other keys are left out. Nothing: nobody known. */
  identify(given) {
    person = undefined
    for (const key of ['id', 'email', 'name', 'signature'])
      if (given[key] != null) person = { ...person, [key]: '' + given[key] }
  },

  /** Add facts that go with the answer: plain strings, numbers and booleans. */
  properties(given) {
    properties = { ...properties, ...given }
  },

  /** The visitor wants to speak: show the survey now, whatever the rules say. */
  open() {
    if (!isBlocked()) show(true)
  },

  close() {
    panel?.close()
  },

  /** Something happened that is worth asking about: show the survey if the rules allow it. */
  ask(at) {
    if (at) touchpoint = '' + at
    consider()
  },

  /** Call `listener` on 'shown', 'answered', 'finished' or 'dismissed'. */
  on(event, listener) {
    listeners.push([event, listener])
  },

  /** Which rule decided, and why: {survey, shown, rule, reason}. */
  explain() {
    return { survey: config.survey, shown: !!panel, rule: verdict[0], reason: verdict[1] }
  },
}

/** Go through the rules in order; the first that refuses is what `explain` tells. */
async function applyRules() {
  if (panel || asking || isBlocked()) return
  if (!matchesPage(config.widget.pages)) return decide('page', '`pages` leaves out this address')
  if (isAnswered()) return decide('answered', 'answered or declined not long ago')
  if (!person && drawn >= (config.sampling ?? 1)) return decide('sampling', 'not drawn this time')
  if (person) {
    asking = true
    // No word from the service means no question: asking too often is worse than not asking.
    const answer = await ask(person, touchpoint)
    asking = false
    if (!answer.ask) return decide(answer.rule || 'unreachable', 'the service says not now')
    invitation = answer.invitation || undefined
  }
  show()
}

const consider = () => applyRules().catch(() => {})

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
      decide('closed')
      if (!dismissed) return
      rememberDecline()
      report('dismissed', invitation)
      tell('dismissed')
    },
  })
  decide('shown', wanted ? 'it was wanted' : 'every rule agreed')
  report('shown', invitation)
  tell('shown')
}

function start() {
  const { widget } = config
  deliverKept()
  if (config.paused) return consider()
  if (widget.mode == 'tab') {
    watchPage(() => {
      tab?.remove()
      tab = matchesPage(widget.pages) && openTab(() => show(true))
      if (tab) decide('tab', 'for a click on the tab')
    })
    return
  }
  watchVisitor(widget, consider)
  if (widget.mode == 'inline')
    watchElements(() => {
      if (panel) panel.stay()
      else if (verdict[0] == 'target') consider()
    })
}

guard(() => {
  // Two surveys on one page share the one global; the same survey twice is one too many.
  const { q = [], surveys = {} } = window.earshot || {}
  const first = !Object.keys(surveys).length
  if (surveys[config.survey] || loadLanguage()) return
  const run = (surveys[config.survey] = guard((command, ...rest) => commands[command](...rest)))
  if (data.person || data.email) run('identify', { ...data, id: data.person })
  // What was said before this survey came holds for it too; only the first takes up "open" and the like.
  for (const call of q) if (first || LASTING.includes(call[0])) run(...call)
  if (first) {
    window.earshot = (...call) => {
      q.push(call)
      return Object.keys(surveys).reduce((last, id) => surveys[id](...call) ?? last, undefined)
    }
    Object.assign(window.earshot, { q, surveys })
  }
  start()
})()
