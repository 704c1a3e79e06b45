// The hosted page with a script: the first tap is saved, then the question that fits it, then the thanks.
// Without this script, or when the service refuses its calls, the form alone does the same in two steps.

import { guard } from '../guard.js'
import { hearing, send, sendKept, waiting } from '../sender.js'
import { watchActs } from './acts.js'

const IDLE = 90000
/** Milliseconds after which the click that a tap makes has come. */
const SETTLED = 400

const form = document.getElementById('ask')
const scale = form.querySelector('.row, .list')
const more = document.getElementById('more')
const asked = document.getElementById('asked')
const told = document.getElementById('told')
const finished = document.getElementById('finished')
const done = document.getElementById('done')
const choices = document.getElementById('choices')
const comment = form.elements.comment
const confirm = document.getElementById('confirm')
/** Whether we may answer, and tell what changes, where the survey asks that. */
const boxes = [...form.querySelectorAll('.contact [type=checkbox]')]
const [answer, texts, groups] = ['answer', 'texts', 'groups'].map(name => JSON.parse(form.dataset[name]))
const { start, kiosk } = form.dataset
const isInvited = !!answer.invitation

// What is said of the visitor goes with the answer, and is left out should the service refuse it.
const { person } = answer
delete answer.person
answer.revision = 0

let moved = false
let byArrow = false
/** The visitor wants the thanks as soon as all has arrived. */
let isFinishing = false
/** The visitor has said something since the page was loaded. */
let isHere = false
let home

function begin() {
  document.documentElement.classList.add('scripted')
  listen()
  hearing((id, outcome) => id == answer.id && hear(outcome))
  resume()
  sendKept()
}

function listen() {
  confirm?.querySelector('button').addEventListener('click', event => {
    event.preventDefault()
    choose()
    ask()
    comment.focus()
  })
  // Arrow keys move through native radios and choose on the way; a score is only what the visitor stops at.
  scale.addEventListener('keydown', event => {
    byArrow = event.key.startsWith('Arrow')
  })
  scale.addEventListener('click', event => {
    if (event.target.name != 'score') return
    ask()
    if (byArrow) moved = true
    else choose()
    byArrow = false
  })
  scale.addEventListener('focusout', event => {
    if (moved && !scale.contains(event.relatedTarget)) choose()
  })
  form.addEventListener('submit', event => {
    event.preventDefault()
    // Enter on a score chooses it; only then is there anything to send.
    if (scale.contains(document.activeElement) && score() != answer.score) return ask(), choose()
    isFinishing = true
    save({ score: score(), ...second(), final: true })
  })
  done.querySelector('button')?.addEventListener('click', () => {
    done.hidden = true
    form.hidden = false
    ask()
    form.querySelector(':checked').focus()
  })
  if (kiosk) for (const type of ['input', 'click', 'keydown']) form.addEventListener(type, () => restartIn(IDLE))
  if (score() != null && !confirm) ask()
}

// ------------------------------------------------------------------------------------------ the answer on its way

// Where this page finds its answer again when it is loaded anew. At a kiosk that would be the next person's page.
const MARK = 'earshot-form:' + location.pathname + location.search
const remember = guard(() => kiosk || (sessionStorage[MARK] = answer.id + '\n' + form.elements.form.value))
const forget = guard(() => delete sessionStorage[MARK])

function save(fields) {
  isHere = true
  remember()
  send(answer, person && { person }, { ...fields, seconds: Math.trunc(performance.now() / 1000) })
}

function hear(outcome) {
  if (outcome == 'waits') return say(texts.waiting)
  if (outcome == 'arrived') {
    // Another revision is on its way.
    if (waiting().some(each => each.id == answer.id)) return
    forget()
    say(texts.saved, true)
    // Whoever came by a mail has done what they came for; all else is an invitation.
    if (isInvited) finished.textContent = texts.thanks[groupOf(answer.score)]
    finished.hidden = !isInvited
    if (isFinishing) thank()
  } else if (isHere) {
    // Whatever it is, the plain form has a page that says so.
    HTMLFormElement.prototype.submit.call(form)
  } else say(texts.error)
}

/** Go on with the answer of this page that waits here, from before it was loaded anew. */
function resume() {
  const [id, token] = guard(() => sessionStorage[MARK].split('\n'))() || []
  const isOurs = each => (each.id == id || (isInvited && each.invitation == answer.invitation))
  const kept = !kiosk && waiting().find(isOurs)
  if (!kept) return forget()
  Object.assign(answer, kept)
  if (kept.id == id) form.elements.form.value = token
  say(texts.waiting)
  // The link of another score was opened since: that one still wants confirming.
  if (confirm && score() != kept.score) return
  scale.querySelector(`[value="${kept.score}"]`).checked = true
  ask()
  comment.value = kept.comment || ''
  const picked = [kept.answers?.follow_up].flat()
  for (const box of choices.querySelectorAll('input')) box.checked = picked.includes(box.value)
  for (const box of boxes) box.checked = [box.value, 'both'].includes(kept.contact)
  isFinishing = kept.final
}

// --------------------------------------------------------------------------------------------- what the page shows

function say(text, fine) {
  if (told.textContent != text) told.textContent = text
  told.classList.toggle('fine', !!fine)
}

function score() {
  const chosen = scale.querySelector(':checked')
  return chosen ? Number(chosen.value) : null
}

const groupOf = score => groups.find(one => one.low <= score && score <= one.high).key

function choose() {
  moved = false
  if (score() == answer.score) return
  isFinishing = false
  save({ score: score() })
}

/** A mail's link has chosen the score: the first act of a person counts it. */
function confirmBy({ type, key, target }) {
  if (!confirm || confirm.hidden) return
  // Their own click chooses or confirms, also the one that Enter makes; arrows choose on the way.
  const isControl = target.closest?.('label, button')
  const isLeft = type != 'keydown' || /^(Enter|Arrow)/.test(key) || (key == ' ' && target.type != 'radio')
  if (isControl && isLeft) return
  choose()
  // What moves under a finger that has just tapped gets the click of the tap.
  if (type == 'pointerup') setTimeout(ask, SETTLED)
  else ask()
}

/** Show the question that fits the score, whether it is saved already or not. */
function ask() {
  const key = groupOf(score())
  const offered = texts.choices[key]
  // What follows says that it is optional.
  for (const label of [asked, choices.firstChild]) label.firstChild.data = texts.follow_up[key] + ' '
  if (choices.dataset.of != key) choices.lastChild.replaceChildren(...(offered || []).map(offer))
  choices.dataset.of = key
  choices.hidden = !offered
  asked.hidden = comment.hidden = !!offered
  more.classList.add('open')
  if (!confirm || confirm.hidden) return
  // What says that it is saved takes its place, so that the score stays where it was tapped.
  confirm.nextElementSibling.style.minHeight = confirm.getBoundingClientRect().height + 'px'
  confirm.hidden = true
}

/** One thing that can be chosen: what is kept of it, and what is read. */
function offer([value, text]) {
  const label = document.createElement('label')
  const box = document.createElement('input')
  Object.assign(box, { type: texts.many ? 'checkbox' : 'radio', name: 'choice', value })
  label.append(box, document.createElement('span'))
  label.lastChild.textContent = text
  return label
}

/** What was said to the second question, and whether we may write. */
const second = () => ({ ...said(), ...(boxes[0] ? { contact: contact() } : {}) })

function contact() {
  const [reply, news] = boxes.map(box => box.checked)
  return reply && news ? 'both' : reply ? 'reply' : news ? 'news' : null
}

function said() {
  if (choices.hidden) return { comment: comment.value.trim() || null }
  const picked = [...choices.querySelectorAll(':checked')].map(box => box.value)
  return picked.length ? { answers: { follow_up: texts.many ? picked : picked[0] } } : {}
}

function thank() {
  const heading = done.querySelector('h1')
  document.title = heading.textContent = texts.thanks[groupOf(answer.score)]
  isFinishing = false
  form.hidden = true
  done.hidden = false
  heading.focus()
  if (kiosk) restartIn(kiosk * 1000)
}

// A kiosk goes back for the next person, and only while the service is there: an error page would stay.
function restartIn(ms) {
  clearTimeout(home)
  home = setTimeout(async () => {
    const there = await fetch(start, { method: 'HEAD' }).then(reply => reply.ok, () => false)
    if (there) location.replace(start)
    else restartIn(5000)
  }, ms)
}

// A sandboxed frame has no origin; its calls would be refused, and the plain form is not.
const isAlone = window.origin == 'null'
if (isInvited) watchActs([form], event => isAlone || confirmBy(event))
if (!isAlone) begin()
