// The panel itself: the question, the scale, the follow-up and the thanks, in a shadow root of their own.

import { config, script } from './config.js'
import { element, guard, listen, select, setTimeout } from './host.js'
import css from './panel.css'

const { max, min, texts, widget } = config
const LINGERS = 8000

/** Where the panel stands: in the named element, else behind the script tag; floating ones outside the body,
 * which some pages exchange as a whole. */
const place = () => {
  if (widget.mode != 'inline') return select('html')
  if (widget.target) return select(widget.target)
  return script?.closest('body') && script.parentNode
}

export const hasPlace = () => !!place()

/** An element with a shadow root that holds our style sheet and `content`. */
function shelter(content) {
  const host = element('earshot-survey')
  const root = host.attachShadow({ mode: 'open' })
  content.lang = config.language
  content.dir = config.dir
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(widget.palette + css)
    root.adoptedStyleSheets = [sheet]
  } catch {
    // Browsers before constructable style sheets; the page's nonce lets the element through.
    root.append(element('style', { nonce: script?.nonce }, widget.palette + css))
  }
  root.append(content)
  // Keys pressed here are not the page's shortcuts.
  for (const type of ['keydown', 'keyup', 'keypress']) listen(host, type, event => event.stopPropagation())
  return host
}

/** The tab at the edge of the window; `task` runs when it is pressed. Returns the element. */
export function openTab(task) {
  const host = shelter(press(texts.ui.survey, task, { class: 'tab ' + widget.position }))
  select('html').append(host)
  return host
}

/** A button that runs `task`. */
function press(text, task, attributes) {
  const button = element('button', { type: 'button', ...attributes }, text)
  listen(button, 'click', task)
  return button
}

/** The buttons of the scale. Arrow keys move the focus alone: to choose is to save. */
function makeScale(choose) {
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
        'aria-checked': false,
        'aria-label': listed || !label ? null : `${score}, ${label}`,
        tabindex: buttons.length ? -1 : 0,
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
      End: count - 1,
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

/**
 * Show the survey. `choose(score, group)` is called on each tap, `finish(comment)` once, `closed(dismissed)` at
 * the end, dismissed meaning that nothing was chosen. `wanted`: the visitor opened it, so the focus goes there.
 * There must be a place to stand. Returns {focus, close, stay}.
 */
export function openPanel({ wanted, choose, finish, closed }) {
  const floating = widget.mode != 'inline'
  let group
  let back

  const question = element('p', { id: 'question' }, texts.question)
  const label = element('label', { for: 'comment' })
  const live = element('div', { 'aria-live': 'polite' })
  const comment = element('textarea', { id: 'comment', rows: 2, maxlength: 5000, dir: 'auto' })
  const send = press(texts.ui.send, () => {
    finish(comment.value.trim())
    thank()
  }, { class: 'send' })
  const more = element('div', { hidden: '' }, comment, send)
  const body = element('div', {}, ...makeScale(score => {
    group = groupOf(score)
    choose(score, group)
    const asked = texts.follow_up[group]
    if (!asked) return thank()
    label.textContent = asked
    if (more.hidden) live.append(element('p', { class: 'saved' }, texts.ui.saved), label)
    more.hidden = false
    // On a low screen the field would else stay out of sight.
    panel.scrollTop = panel.scrollHeight
  }), live, more)
  const panel = element(
    'div',
    {
      role: floating ? 'dialog' : 'group',
      class: 'panel ' + (floating ? 'floating ' + widget.position : ''),
      'aria-labelledby': 'question',
    },
    floating ? press('×', () => close(true), { class: 'close', 'aria-label': texts.ui.close }) : '',
    question,
    body,
  )
  const host = shelter(panel)

  const close = dismissed => {
    const inside = host.shadowRoot.activeElement
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

  listen(host, 'focusin', ({ relatedTarget: from }) => {
    if (from && !from.shadowRoot) back = from
  })
  if (floating) listen(panel, 'keydown', event => event.key == 'Escape' && !event.isComposing && close(true))

  const focus = guard(() => panel.querySelector('[tabindex="0"]').focus())
  // What had the focus may itself stand in a shadow root, as our own tab does.
  back = document.activeElement
  while (back?.shadowRoot?.activeElement) back = back.shadowRoot.activeElement
  place().append(host)
  if (wanted) focus()
  let returns = 20
  return {
    focus,
    close,
    /** Come back after the page has drawn itself anew; not for ever, should the page want us gone. */
    stay() {
      const at = place()
      if (at && !host.isConnected && returns-- > 0) at.append(host)
    },
  }
}
