// The panel itself: the question, the scale, the follow-up and the thanks, in a shadow root of their own.

import { element, guard, listen, select, setTimeout } from './host.js'
import { config, page } from './page.js'
import choicesCss from './choices.css'
import panelCss from './panel.css'

/* global CHOICES -- set by the build: surveys without choices get a file without them */
const css = config.palette + panelCss + (CHOICES ? choicesCss : '')

const { max, min, texts } = config
const LINGERS = 8000

const position = () => page.data.position || 'bottom-right'

/** Where the panel stands: in the named element, else behind the script tag; floating ones outside the body, which
 * some pages exchange as a whole. */
export const place = () => {
  const { mode, target } = page.data
  if (mode != 'inline') return select('html')
  return target ? select(target) : page.script.closest?.('body') && page.script.parentNode
}

/** An element with a shadow root that holds our style sheet and `content`; a button in it gets the element's focus. */
function shelter(content) {
  const host = element('earshot-survey')
  const root = host.attachShadow({ mode: 'open', delegatesFocus: content.type == 'button' })
  content.lang = config.language
  content.dir = config.dir
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(css)
    root.adoptedStyleSheets = [sheet]
  } catch {
    // Browsers before constructable style sheets; the page's nonce lets the element through.
    root.append(element('style', { nonce: page.script.nonce }, css))
  }
  root.append(content)
  // Keys pressed here are not the page's shortcuts.
  for (const type of ['keydown', 'keyup', 'keypress']) listen(host, type, event => event.stopPropagation())
  return host
}

/** The tab at the edge of the window; `task` runs when it is pressed. Returns the element. */
export function openTab(task) {
  const host = shelter(press(texts.ui.survey, task, { class: 'tab ' + position() }))
  select('html').append(host)
  return host
}

/** A button that runs `task`. */
function press(text, task, attributes) {
  const button = element('button', { type: 'button', ...attributes }, text)
  listen(button, 'click', task)
  return button
}

/** The buttons of the scale, `chosen` already pressed. Arrow keys move the focus alone: to choose is to save. */
function makeScale(chosen, choose) {
  const { labels } = texts
  const buttons = []
  const count = max - min + 1
  // Few points that each have a name are a list of names; more are a row of numbers with a name at both ends.
  const listed = count < 6 && Object.keys(labels).length == count
  for (let score = min; score <= max; score++) {
    const label = labels[score]
    const button = press(
      listed ? label : '' + score,
      () => {
        for (const other of buttons) other.setAttribute('aria-checked', other == button)
        choose(score)
      },
      {
        role: 'radio',
        'aria-checked': score === chosen,
        'aria-label': listed || !label ? null : `${score}, ${label}`,
        tabindex: score === (chosen ?? min) ? 0 : -1,
      },
    )
    listen(button, 'focus', () => {
      for (const other of buttons) other.tabIndex = other == button ? 0 : -1
    })
    buttons.push(button)
  }
  const group = element(
    'div',
    { role: 'radiogroup', 'aria-labelledby': 'question', class: listed ? 'list' : 'row of-' + count },
    ...buttons,
  )
  const forward = config.dir == 'rtl' ? -1 : 1
  listen(group, 'keydown', event => {
    const at = buttons.indexOf(event.target)
    const next = {
      ArrowRight: at + forward,
      ArrowLeft: at - forward,
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: -1,
    }[event.key]
    if (next == null) return
    event.preventDefault()
    buttons[(next + count) % count].focus()
  })
  const ends = listed
    ? ''
    : element(
        'div',
        { class: 'ends', 'aria-hidden': true },
        ...[min, max].map(score => element('span', { 'data-score': score }, labels[score] || '')),
      )
  return [group, ends]
}

const groupOf = score =>
  Object.keys(config.groups).find(key => score >= config.groups[key][0] && score <= config.groups[key][1])

/** The field of the second question for a group: a text or the choices there are, with what was `given`. Returns
 * the element and how to read it. */
function makeField(group, given) {
  if (CHOICES && texts.choices[group]) return makeChoices(texts.choices[group], given || [])
  const area = element('textarea', { 'aria-labelledby': 'asked', rows: 2, maxlength: 5000, dir: 'auto' })
  area.value = given || ''
  return [area, () => area.value.trim()]
}

function makeChoices(choices, given) {
  const [type, role] = config.many ? ['checkbox', 'group'] : ['radio', 'radiogroup']
  const boxes = choices.map(([value]) =>
    element('input', { type, name: 'choice', value, checked: given.includes(value) ? '' : null }),
  )
  const labels = boxes.map((box, at) => element('label', {}, box, choices[at][1]))
  const list = element('div', { role, 'aria-labelledby': 'asked', class: 'list choices' }, ...labels)
  return [list, () => boxes.filter(box => box.checked).map(box => box.value)]
}

/**
 * Show the survey, or go on with it where `chosen` and `given` say. `choose(score, group)` is called on each tap,
 * `change(given)` while the second question is answered, `finish(given)` once, `closed(dismissed)` at the end,
 * dismissed meaning that nothing was chosen. `wanted`: the visitor opened it, so the focus goes there. There must be
 * a place to stand. Returns {focus, close}.
 */
export function openPanel({ wanted, chosen, given, choose, change, finish, closed }) {
  const floating = page.data.mode != 'inline'
  let group
  let back
  let read

  const question = element('p', { id: 'question' }, texts.question)
  const asked = element('p', { id: 'asked' })
  const live = element('div', { 'aria-live': 'polite' })
  const field = element('div')
  const send = press(texts.ui.send, () => {
    finish(read())
    thank()
  }, { class: 'send' })
  const more = element('div', { hidden: '' }, field, send)

  /** Ask the group of `score` the second question; false when there is none. */
  const follow = score => {
    const before = group
    group = groupOf(score)
    asked.textContent = texts.follow_up[group]
    if (!texts.follow_up[group]) return false
    if (before != group) {
      const [made, reader] = makeField(group, given || (!CHOICES && read?.()))
      field.replaceChildren(made)
      read = reader
      given = null
    }
    if (more.hidden) live.append(element('p', { class: 'saved' }, texts.ui.saved), asked)
    more.hidden = false
    // On a low screen the field would else stay out of sight.
    panel.scrollTop = panel.scrollHeight
    return true
  }
  const body = element('div', {}, ...makeScale(chosen, score => {
    const asks = follow(score)
    choose(score, group)
    if (!asks) thank()
  }), live, more)
  const panel = element(
    'div',
    {
      role: floating ? 'dialog' : 'group',
      class: 'panel ' + (floating ? 'floating ' + position() : ''),
      'aria-labelledby': 'question',
    },
    floating ? press('×', () => close(true), { class: 'close', 'aria-label': texts.ui.close }) : '',
    question,
    body,
  )
  const host = shelter(panel)
  listen(more, 'input', () => change(read()))
  if (chosen != null) follow(chosen)

  const close = dismissed => {
    const inside = host.shadowRoot.activeElement
    observer.disconnect()
    host.remove()
    closed(dismissed && !group)
    if (inside) back?.focus()
  }

  function thank() {
    question.textContent = texts.thanks[group]
    question.tabIndex = -1
    body.remove()
    const { link } = texts
    if (/^https?:/.test(link?.url))
      panel.append(element('a', { href: link.url, target: '_blank', rel: 'noopener' }, link.text))
    question.focus()
    if (floating && !link) setTimeout(guard(() => host.isConnected && close()), LINGERS)
  }

  listen(host, 'focusin', ({ relatedTarget }) => (back = relatedTarget || back))
  if (floating) listen(panel, 'keydown', event => event.key == 'Escape' && !event.isComposing && close(true))

  const focus = guard(() => panel.querySelector('[tabindex="0"]').focus())
  place().append(host)
  if (wanted) focus()
  // Come back after the page has drawn itself anew; not for ever, should the page want us gone.
  let returns = 20
  const observer = new MutationObserver(guard(() => {
    const at = place()
    if (at && !host.isConnected && returns-- > 0) at.append(host)
  }))
  observer.observe(document, { childList: true, subtree: true })
  return { focus, close }
}
