// The script a website embeds: decides whether and when to ask, and gets the panel only then. Never harms the page.
// It is all that most visitors ever load, and stays under 1 KiB with a survey's rules inside.

/* global __EARSHOT_RULES__, __EARSHOT_MOMENTS__, WHOLE, earshotMeet */
const [survey, base, language, hash, widget] = __EARSHOT_RULES__
// From the prototype, for pages whose elements are called "querySelector".
const { createElement, querySelector } = Document.prototype
const script = document.currentScript || {}
/** Data attributes of the script tag say what is to be different here. */
const data = { ...widget, ...script.dataset }
// Seconds until it shows by itself: never unless said, at once for the tab.
const { target, lang, mode, after = (mode == 'tab') - 1 } = data
const pages = `${data.pages || '*'}`.split(',')
// Once for the page: an address that changes within it is no second chance.
const drawn = Math.random()

/** What `explain` tells: which rule decided, and what it went by. */
const verdict = { survey, settings: data, rule: 'waiting' }
/** What the panel's file gets of us; it fills in `show`. */
const page = { data, script, verdict }
let known = data.person || data.email
let loading

/** The same function, but an error in it never reaches the page. */
const guard = task => (...given) => {
  try {
    return task(...given)
  } catch {
    // Nothing of ours is worth the page's peace.
  }
}

const find = selector => querySelector.call(document, selector)
const refuse = rule => void (verdict.rule = rule)

/** Does a pattern such as "/shop/*" or "https://*.example/*" fit the address? */
const fits = pattern =>
  RegExp('^' + pattern.replace(/\W/g, sign => (sign == '*' ? '.*' : '\\' + sign)) + '$').test(
    (pattern[0] == '/' ? '' : location.origin) + location.pathname,
  )
const forbids = pattern => pattern[0] == '!'

/** Go through the rules in order; the first that refuses is what `explain` tells. */
page.agrees = () => {
  verdict.until = guard(() => localStorage['earshot:' + survey])()
  return target && !find(target)
    ? refuse('target')
    : pages.some(pattern => forbids(pattern) && fits(pattern.slice(1))) || !(pages.every(forbids) || pages.some(fits))
      ? refuse('page')
      : mode == 'tab' ||
        (Date.now() < verdict.until
          ? refuse('answered')
          : known || !(drawn >= data.sampling) || refuse('sampling'))
}

/**
 * The panel, loaded once. A dynamic import needs no Trusted Types policy and inherits our nonce; the link before it
 * holds the integrity that an import cannot name. A file that is gone or damaged (the survey was changed after this
 * page had its loader) is asked for once more under its short-cached address.
 */
const load = () => {
  // The one file with everything inside brings its panel along, in its one language.
  if (WHOLE) return Promise.resolve(page).then(earshotMeet)
  const file = base + (lang || language) + '.js'
  const integrity = lang ? '' : hash
  const href = file + '?' + integrity
  find('html').append(
    Object.assign(createElement.call(document, 'link'), {
      rel: 'modulepreload',
      integrity,
      nonce: script.nonce,
      href,
    }),
  )
  return import(href)
    .catch(() => import(file))
    .then(panel => panel.meet(page))
    .catch(() => (loading = refuse('unreachable')))
}

const show = wanted => (loading ||= load()).then(() => page.show?.(wanted))
const consider = guard(() => page.agrees() && show())

const run = guard((...call) => {
  const [command, given] = call
  if (command == 'explain') return verdict
  if (command == 'identify') known = given
  page.hear?.(call)
  if (command == 'open') show(1)
  if (command == 'ask') consider()
})

guard(() => {
  // Two surveys on one page share the one global; the same survey twice is one too many.
  // A form may be called "earshot".
  const { q = [], surveys } = window.earshot?.call ? earshot : {}
  const all = surveys || []
  page.q = q
  if (all[survey]) return
  all[survey] = all.push(run)
  // What was said before this survey came holds for it too; only the first takes up "open" and the like.
  for (const call of q) if (!surveys || !/open|ask/.test(call[0])) run(...call)
  if (!surveys)
    window.earshot = Object.assign(
      (...call) => {
        q.push(call)
        return all.map(survey => survey(...call)).find(Boolean)
      },
      { q, surveys: all },
    )

  // An answer that was not delivered, or a survey begun on the page before: the panel's file knows how to go on.
  if (guard(() => /earshot-/.test(Object.keys({ ...localStorage, ...sessionStorage })))()) loading = load()

  const arrive = () => setTimeout(consider, after * 1000)
  if (after >= 0) {
    arrive()
    window.navigation?.addEventListener('navigatesuccess', arrive)
  }
  // The moments of src/moments that this survey uses.
  __EARSHOT_MOMENTS__(consider, page)
  // Looking twice a second costs the page less than hearing of every change to it.
  if (target) setInterval(() => verdict.rule == 'target' && consider(), 500)
})()
