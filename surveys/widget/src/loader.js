// The script a website embeds: decides whether and when to ask, and gets the panel only then. Never harms the page.
// It is all that most visitors ever load, and stays under 1.125 KiB with a survey's rules inside.

import { guard } from './guard.js'

/* global __EARSHOT_RULES__, __EARSHOT_MOMENTS__, WHOLE, earshotCome, earshotHear, earshotMeet */
const [survey, endpoint, language, hash, widget] = __EARSHOT_RULES__
// From the prototype, for pages whose elements are called "querySelector".
const { createElement, querySelector } = Document.prototype
const script = document.currentScript || { __proto__: null }
/** Data attributes of the script tag say what is to be different here. */
const settings = { __proto__: null, ...widget, ...script.dataset }
// Seconds in sight until it shows by itself; below 0 it waits for other moments, but for the tab.
const { target, lang, mode, sampling, after = /^[it]/.test(mode) ? 0 : 8 } = settings
const pages = (settings.pages || '*').split(/, */)
// Once for the page: an address that changes within it is no second chance.
const drawn = Math.random()

// No service takes answers from an origin that has no name, such as a sandboxed frame's.
if (origin == 'null') settings.rule ||= 'origin'

/** What `explain` tells: which rule decided, and what it went by. */
const verdict = { survey, settings, rule: 'waiting' }
let known = settings.person || settings.email
let loading
/** The panel's file, once it is here. */
let panel

const make = tag => createElement.call(document, tag)
/** The first element that matches a selector; none for a selector that cannot be read. */
const find = guard(selector => querySelector.call(document, selector))

/** Is the page out of sight, prerendered or in a tab in the background? Then `task` runs once that changes. */
const unseen = task =>
  document.hidden === true && !addEventListener('visibilitychange', task, { __proto__: null, once: 1 })

/** Does a pattern such as "/shop/*", "https://*.example/*" or "/#/cart" fit the address? Query and fragment count where
 * it has them; what follows, or stands before the parameter that it names, does not. */
const fits = pattern =>
  RegExp(
    '^' +
      (/^[/?#]/.test(pattern) ? new URL(pattern, location).href : pattern)
        .replace(/\W/g, '\\$&')
        .replace(/\\\*/g, '[^?#]*')
        .replace('\\?', '\\?(.*&)?')
        .replace('\\#', '([?&].*)?#') +
      '([?&#].*)?$',
  ).test(location.href)
// Of all patterns the highest counts: 3 forbidden here, 2 wanted here, 1 wanted elsewhere, 0 forbidden elsewhere.
const weigh = pattern => (pattern[0] == '!' ? 3 * fits(pattern.slice(1)) : 1 + fits(pattern))

/** Go through the rules in order; the first that refuses is what `explain` tells. Returns it. */
const refuses = () => {
  verdict.until = guard(() => localStorage['earshot:' + survey])()
  const rule =
    settings.rule ||
    (target && !find(target)
      ? 'target'
      : Math.max(...pages.map(weigh)) % 2
        ? 'page'
        : mode != 'tab' &&
          (Date.now() < verdict.until ? 'answered' : !known && drawn >= sampling && 'sampling'))
  return rule && (verdict.rule = rule)
}

/**
 * The panel, loaded once. A dynamic import needs no Trusted Types policy and inherits our nonce; the link before it
 * holds the integrity that an import cannot name. A file that is gone or damaged (the survey was changed after this
 * page had its loader) is asked for once more under its short-cached address.
 */
const load = async () => {
  try {
    const file = `${endpoint}/w/${survey}/${lang || language}.js`
    const integrity = lang ? '' : hash
    const href = file + '?' + integrity
    find('html').append(Object.assign(make('link'), { rel: 'modulepreload', integrity, nonce: script.nonce, href }))
    panel = await import(href).catch(() => import(file))
    panel.meet(q, verdict, settings, script, endpoint, guard, make, find, refuses, unseen)
  } catch {
    verdict.rule = 'unreachable'
    loading = 0
  }
}

// The one file with everything inside brings its panel along, in its one language.
const open = WHOLE ? earshotCome : wanted => (loading ||= load()).then(() => panel?.come(wanted))
/** Look whether to show, now or once the page is seen. */
const consider = guard(() => unseen(consider) || ((WHOLE || loading || !refuses()) && open()))

const run = (...call) => {
  const [command, given] = call
  if (command == 'explain') return verdict
  if (command == 'identify') known = given
  if (WHOLE) panel && earshotHear(call)
  else panel?.hear(call)
  if (command == 'open') open(1)
  if (command == 'ask') consider()
}

// Two surveys on one page share the one global; the same survey twice is one too many.
// A form may be called "earshot".
const { q = [], surveys = [] } = { __proto__: null, ...window.earshot }

guard(() => {
  if (surveys[survey]) return
  surveys[survey] = surveys.push(run)
  if (WHOLE) earshotMeet(q)
  // What was said before this survey came holds for it too; only the first takes up "open" and the like.
  for (const call of q) if (!surveys[1] || !/open|ask/.test(call[0])) run(...call)
  if (WHOLE) panel = 1
  if (!surveys[1])
    window.earshot = Object.assign(
      (...call) => {
        q.push(call)
        // Of `on`, what takes it back.
        return surveys.map(survey => survey(...call))[0] || (() => earshot('off', ...call.slice(1)))
      },
      { q, surveys },
    )

  // What is timed is the time in sight, at each address anew.
  let timer
  const arrive = () => {
    clearTimeout(timer)
    unseen() || (timer = setTimeout(consider, after * 1000))
  }
  if (after >= 0 || mode == 'tab') {
    arrive()
    window.navigation?.addEventListener('navigatesuccess', arrive)
    addEventListener('hashchange', arrive)
    addEventListener('visibilitychange', arrive)
  }
  // The moments of src/moments that this survey uses.
  __EARSHOT_MOMENTS__(consider)
  // Looking twice a second costs the page less than hearing of every change to it.
  if (target) setInterval(() => verdict.rule == 'target' && consider(), 500)
  // An answer that was not delivered, or a survey begun on the page before: the panel's file knows how to go on.
  if (!WHOLE && /earshot-/.test(Object.keys({ ...localStorage, ...sessionStorage }))) loading ||= load()
})()
