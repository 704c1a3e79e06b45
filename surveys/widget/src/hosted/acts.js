// Whether a person acts. Machines open the links of a mail too; some run scripts, and some press all there is to press.
// Only what the browser itself saw happen is an act, and only what can mean something: not a key that scrolls, leaves or
// changes other keys, not a right or middle click, not a finger that scrolls, not a pointer that marks text.

/** Pixels that a finger trembles. */
const STILL = 10
/** Milliseconds after which a finger asks for the menu. */
const LONG = 700
const CONTROLS = 'a, button, input, label, select, summary, textarea'

/** Send none of `forms` before a person acts, and call `task(event)` at each act. A script can still make a browser send
 * one; then its field `acted` is empty, and the service takes it for what it is. */
export function watchActs(forms, task) {
  const marks = [...forms].map(mark)
  let acted = false
  let press

  const act = event => {
    acted = true
    for (const mark of marks) mark.value = '1'
    task(event)
  }
  const stop = event => {
    event.preventDefault()
    event.stopImmediatePropagation()
  }
  /** Hear of it first; what a script pretends goes no further. */
  const on = (type, hear) =>
    addEventListener(type, event => (event.isTrusted ? hear(event) : acted || stop(event)), true)
  const isStill = event => press && Math.hypot(event.clientX - press.clientX, event.clientY - press.clientY) < STILL

  on('pointerdown', event => (press = event.isPrimary && !event.button ? event : null))
  for (const type of ['pointercancel', 'contextmenu']) on(type, () => (press = null))
  // Some browsers make no click of a tap on nothing in particular.
  on('pointerup', event => {
    if (event.pointerType == 'touch' && isStill(event) && event.timeStamp - press.timeStamp < LONG) act(event)
  })
  on('click', event => {
    // With Control it asks for the menu on some systems. What helps people read makes clicks without a pointer.
    const isPlain = !event.ctrlKey && !event.metaKey && (isStill(event) || !event.detail)
    if (isPlain || event.target.closest?.(CONTROLS)) act(event)
  })
  on('keydown', event => !event.repeat && isMeant(event) && act(event))
  addEventListener('submit', event => acted || stop(event), true)
}

function isMeant(event) {
  const { key, target } = event
  if (!event.getModifierState('AltGraph') && (event.altKey || event.ctrlKey || event.metaKey)) return false
  if (key == ' ') return target.matches?.(CONTROLS) || !isScrollable()
  if (key.startsWith('Arrow')) return target.type == 'radio'
  return key == 'Enter' || key == 'Dead' || key == 'Process' || [...key].length == 1
}

function isScrollable() {
  const { clientHeight, scrollHeight } = document.documentElement
  return scrollHeight > clientHeight
}

function mark(form) {
  const field = form.elements.acted || document.createElement('input')
  // As attributes, so that a copy of the form has them too.
  for (const [name, value] of Object.entries({ type: 'hidden', name: 'acted', value: '' })) field.setAttribute(name, value)
  form.append(field)
  return field
}
