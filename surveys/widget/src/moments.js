// When to ask: on which pages, and at which moment of a visit.

import { guard, listen, select, setTimeout } from './host.js'

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
  const settle = () => setTimeout(guard(task), 0)
  settle()
  listen(window, 'popstate', settle)
  if (window.navigation) listen(navigation, 'navigatesuccess', settle)
}

/** Call `task` whenever elements come or go. */
export const watchElements = task =>
  new MutationObserver(guard(task)).observe(document, { childList: true, subtree: true })

/** Call `task` at the moments the survey names. */
export function watchVisitor(widget, task) {
  const { show_after_seconds: after, scroll_percent: depth, exit_intent: exit, click } = widget
  const root = select('html')
  if (after != null) watchPage(() => setTimeout(guard(task), after * 1000))
  if (depth) listen(window, 'scroll', () => (scrollY + innerHeight) * 100 >= depth * root.scrollHeight && task())
  if (exit) listen(root, 'mouseleave', event => event.clientY <= 0 && task())
  if (click) listen(window, 'click', event => event.target.closest(click) && task())
}
