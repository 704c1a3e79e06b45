// When to ask: on which pages, and at which moment of a visit.

import { guard, setTimeout } from './host.js'

/** Does a pattern such as "/shop/*" or "https://*.example/*" fit the address? "!" in front forbids. */
export function matchesPage(patterns = []) {
  const fits = pattern =>
    new RegExp('^' + pattern.replace(/[^\w*]/g, '\\$&').replace(/\*/g, '.*') + '$').test(
      (pattern[0] == '/' ? '' : location.origin) + location.pathname,
    )
  let allowed
  for (const pattern of patterns) {
    if (pattern[0] != '!') allowed ||= fits(pattern)
    else if (fits(pattern.slice(1))) return false
  }
  return allowed ?? true
}

/** Call `task` now, and again after each change of address within the page. */
export function watchPage(task) {
  const safe = guard(task)
  const settle = () => setTimeout(safe, 0)
  safe()
  addEventListener('popstate', settle)
  if (window.navigation) navigation.addEventListener('navigatesuccess', settle)
}

/** Call `task` whenever elements come or go. */
export const watchElements = task =>
  new MutationObserver(guard(task)).observe(document, { childList: true, subtree: true })

/** Call `task` at the moments the survey names. */
export function watchVisitor(widget, task) {
  const safe = guard(task)
  const { show_after_seconds: after, scroll_percent: depth, exit_intent: exit, click } = widget
  if (after != null) watchPage(() => setTimeout(safe, after * 1000))
  if (depth)
    addEventListener(
      'scroll',
      guard(() => (scrollY + innerHeight) * 100 >= depth * document.documentElement.scrollHeight && task()),
      { passive: true },
    )
  if (exit) document.addEventListener('mouseout', event => !event.relatedTarget && event.clientY <= 0 && safe())
  if (click) document.addEventListener('click', guard(event => event.target.closest(click) && safe()))
}
