// The panel itself: the question, the scale, the follow-up and the thanks, in a shadow root of their own.

import { element, listen, setTimeout } from './host.js'
import {
  closeWord, contact, direction, drawn, find, groups, guard, labels, language, link, many, min, palette, question, savedWord, script,
  sendWord, settings, surveyWord,
} from './page.js'
import choicesCss from './choices.css'
import listCss from './list.css'
import panelCss from './panel.css'
import rowCss from './row.css'

/* global CHOICES, LISTED, DRAWN -- set by the build: a survey gets a file without what it has not. LISTED is null in the
 * file with choices, which serves all kinds of scale. */
const css =
  panelCss + (LISTED === false ? '' : listCss) + (LISTED ? '' : rowCss) + (CHOICES ? choicesCss : '') + palette

const createElementNS = DRAWN && Document.prototype.createElementNS
const LINGERS = 6000

/** Where the panel stands: in the named element, else behind the script tag; floating ones outside the body, which
 * some pages exchange as a whole. */
export const place = () => {
  const { mode, target } = settings
  if (mode != 'inline') return find('html')
  return target ? find(target) : script.isConnected && script.closest('body') && script.parentNode
}

/** Put `content` on the page, in an element with a shadow root and our style sheet, and return that element, which
 * passes its focus on if it is to be one that `delegatesFocus`. */
function shelter(content, delegatesFocus) {
  const host = element('earshot-survey', {})
  const root = host.attachShadow({ __proto__: null, mode: 'open', delegatesFocus })
  content.lang = language
  content.dir = direction
  // Names that the style sheet goes by.
  content.className += ' ' + (settings.position || '')
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(css)
    root.adoptedStyleSheets = [sheet]
  } catch {
    // Browsers before constructable style sheets; the page's nonce lets the element through.
    root.append(element('style', { nonce: script.nonce }, css))
  }
  root.append(content)
  // Keys pressed here are not the page's shortcuts.
  for (const type of ['keydown', 'keyup', 'keypress']) listen(host, type, event => event.stopPropagation())
  place().append(host)
  return host
}

/** The tab at the edge of the window; `task` runs when it is pressed. Returns the element. */
export const openTab = task => shelter(press('tab', settings.label || surveyWord, task), 1)

/** A button that runs `task`. */
function press(name, text, task, label) {
  const button = element('button', { class: name, 'aria-label': label }, text)
  listen(button, 'click', task)
  return button
}

/** The buttons of the scale, `chosen` already pressed. Arrow keys move the focus alone: to choose is to save. */
function makeScale(chosen, choose) {
  const count = labels.length
  const listed = LISTED ?? drawn == 1
  const look = DRAWN && !listed && drawn
  const buttons = labels.map((label, at) => {
    const score = min + at
    return element(
      'button',
      {
        role: 'radio',
        'aria-checked': score === chosen,
        'aria-label': listed || !label ? null : DRAWN && /^[ft]/.test(look) ? label : `${score}, ${label}`,
        tabindex: -(score !== (chosen ?? min)),
      },
      ...(DRAWN && look ? [draw(look[at + 1]), count < 3 ? ' ' + label : ''] : [listed ? label : score]),
    )
  })
  const group = element(
    'div',
    {
      role: 'radiogroup',
      'aria-labelledby': 'question',
      class: listed ? 'list' : DRAWN && look ? 'row ' + look[0] : 'row',
    },
    ...buttons,
  )
  /** Of all buttons, Tab comes back to this one. */
  const stay = at => {
    buttons[at].focus()
    for (const button of buttons) button.tabIndex = -(button != buttons[at])
  }
  listen(group, 'click', ({ target }) => {
    const at = buttons.indexOf(target)
    stay(at)
    for (const button of buttons) button.setAttribute('aria-checked', button == target)
    choose(min + at)
  })
  listen(group, 'keydown', event => {
    const at = buttons.indexOf(event.target)
    const forward = direction == 'rtl' ? -1 : 1
    const next = {
      __proto__: null,
      ArrowRight: at + forward,
      ArrowLeft: at - forward,
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: -1,
    }[event.key]
    if (next == null) return
    event.preventDefault()
    stay((next + count) % count)
  })
  if (listed || (DRAWN && count < 3)) return [group]
  const end = at => element('span', {}, labels[at] && (DRAWN && look ? '' : min + at + ' – ') + labels[at])
  return [group, element('div', { class: 'ends', 'aria-hidden': true }, end(0), end(count - 1))]
}

/** A path as a drawing that only the eye needs: the key has a name. */
function draw(path) {
  const shape = (tag, name, value) => {
    const made = createElementNS.call(document, 'http://www.w3.org/2000/svg', tag)
    made.setAttribute(name, value)
    return made
  }
  const drawing = shape('svg', 'viewBox', '0 0 24 24')
  drawing.append(shape('path', 'd', path))
  return drawing
}

/** The field of the second question, a text or the choices there are, with what was `given`: the element, and how to
 * read it. */
function makeField(label, choices, given) {
  if (CHOICES && choices) return makeChoices(label, choices, given || [])
  const area = element('textarea', { 'aria-label': label, maxlength: 5000, dir: 'auto' }, given || '')
  return [area, () => area.value.trim()]
}

function makeChoices(label, choices, given, several = many) {
  const [type, role] = several ? ['checkbox', 'group'] : ['radio', 'radiogroup']
  const boxes = choices.map(([value]) =>
    element('input', { type, name: 'choice', value, checked: given.includes(value) ? '' : null }),
  )
  const lines = boxes.map((box, at) => element('label', {}, box, choices[at][1]))
  const list = element('div', { role, 'aria-label': label, class: 'list' }, ...lines)
  return [list, () => boxes.filter(box => box.checked).map(box => box.value)]
}

/**
 * Show the survey, or go on with it where `chosen` and `given` say. `choose(score, group)` is called on each tap,
 * `change(given)` while the second question is answered, `finish(given)` once, `closed(dismissed)` at the end,
 * dismissed meaning that nothing was chosen. `wanted`: the visitor opened it, so the focus goes there. There must be
 * a place to stand. `anew()` is called when the page has taken our listeners with its own. Returns what focuses the panel,
 * what closes it, and what says in it whether the answer is kept.
 */
export function openPanel(wanted, chosen, given, choose, change, finish, closed, anew) {
  const floating = settings.mode != 'inline'
  let group
  let back
  let read
  let pointed

  const title = element('p', { id: 'question', tabindex: -1 }, question)
  const live = element('div', { role: 'status' })
  const saved = element('p', { class: 'saved' })
  const thank = () => {
    title.textContent = group[3]
    title.className = 'thanks'
    body.remove()
    if (link) title.after(link(element))
    else if (floating) leave()
    title.focus()
  }
  /** Thanks go by themselves, but not while somebody points at them or came to them by the keyboard. */
  const leave = () =>
    setTimeout(
      guard(() => (pointed || panel.querySelector(':focus-visible') ? leave() : host.isConnected && close())),
      LINGERS,
    )
  const send = press('send', sendWord, () => {
    if (CHOICES) finish(read(), allowed && allowed[1]())
    else finish(read())
    thank()
  })
  const more = element('div', {})
  // Never ticked before.
  const allowed =
    CHOICES && contact && makeChoices(contact[0], [['reply', contact[1]], ['news', contact[2]]], [], 1)
  const close = dismissed => {
    const inside = host.shadowRoot.activeElement
    observer.disconnect()
    host.remove()
    closed(dismissed && !group)
    if (inside) back?.focus()
  }

  /** Ask the group of `score` the second question and return it; some have none. */
  const follow = score => {
    const before = group
    group = groups.find(([, highest]) => score <= highest)
    const [, , text, , choices] = group
    if (text && before != group) {
      const [made, reader] = makeField(text, choices, given || (!CHOICES && read?.()))
      live.replaceChildren(saved, element('b', {}, text))
      more.replaceChildren(made, send)
      if (CHOICES && allowed) send.before(element('b', {}, contact[0]), allowed[0])
      read = reader
      given = null
    }
    // On a low screen the field would else stay out of sight.
    panel.scrollTop = panel.scrollHeight
    return text
  }
  const body = element('div', {}, ...makeScale(chosen, score => {
    const asks = follow(score)
    choose(score, group[0])
    if (!asks) thank()
  }), live, more)
  const panel = element(
    'div',
    { role: floating ? 'dialog' : 'group', class: 'panel', 'aria-labelledby': 'question' },
    title,
    body,
    floating ? press('close', '×', () => close(1), closeWord) : '',
  )
  const host = shelter(panel)
  panel.onpointerenter = () => (pointed = 1)
  panel.onpointerleave = () => (pointed = 0)
  listen(more, 'input', () => change(read()))
  if (chosen != null) follow(chosen)

  listen(host, 'focusin', ({ relatedTarget }) => (back = relatedTarget || back))
  if (floating) listen(panel, 'keydown', event => event.key == 'Escape' && !event.isComposing && close(1))

  const focus = guard(() => panel.querySelector('[tabindex="0"]').focus())
  if (wanted) focus()
  // Come back after the page has drawn itself anew; not for ever, should the page want us gone.
  let returns = 20
  const root = find('html')
  const observer = new MutationObserver(guard(() => {
    const at = place()
    if (!at || host.isConnected || returns-- < 1) return
    if (root == find('html')) return at.append(host)
    // A document that was written anew; `document.open` takes all listeners.
    observer.disconnect()
    if (body.parentNode) anew()
    else close()
  }))
  observer.observe(document, { __proto__: null, childList: 1, subtree: 1 })
  return [focus, close, kept => (saved.textContent = kept ? savedWord : '')]
}
