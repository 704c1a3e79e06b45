// The hosted page with a script: the first tap is saved, then the question that fits it, then the thanks.
// Without this script, or when the service refuses its calls, the form alone does the same in two steps.
(() => {
  // A sandboxed frame has no origin; its calls would be refused, and the plain form is not.
  if (window.origin == 'null') return
  const form = document.getElementById('ask')
  const scale = form.querySelector('fieldset')
  const more = document.getElementById('more')
  const asked = document.getElementById('asked')
  const told = document.getElementById('told')
  const done = document.getElementById('done')
  const choices = document.getElementById('choices')
  const comment = form.elements.comment
  const confirm = document.getElementById('confirm')
  const [answer, texts, groups] = ['answer', 'texts', 'groups'].map(name => JSON.parse(form.dataset[name]))
  const { start, kiosk } = form.dataset
  const LONGEST_WAIT = 30000
  const IDLE = 90000

  let arrived = answer.revision = 0
  let sending
  let moved = false
  let byArrow = false
  let home

  document.documentElement.classList.add('scripted')

  const send = body => fetch('../r', {
    method: 'POST', keepalive: true, headers: { 'Content-Type': 'application/json' }, body,
  })
  const post = () => send(JSON.stringify(answer))

  const pause = ms => new Promise(wake => {
    setTimeout(wake, ms)
    addEventListener('online', wake, { once: true })
  })

  // Only what could not be sent is kept in the browser, as the widget keeps it, and whichever page comes next delivers
  // it once: the lock leaves it to one tab, the id makes a second arrival nothing new.
  const KEPT = 'earshot-answer:'
  const KEPT_FOR = 72 * 3600e3
  const service = new URL('..', location.href).href.slice(0, -1)

  /** Do what may fail where nothing can be stored. */
  const attempt = task => {
    try {
      return task()
    } catch {
      // Then the open page is the memory.
    }
  }
  const keep = () => attempt(() => {
    localStorage[KEPT + answer.id] = [service, Date.now(), JSON.stringify(answer)].join('\n')
  })
  const forget = key => attempt(() => delete localStorage[key])

  async function deliverKept() {
    for (const key of attempt(() => Object.keys(localStorage)) || []) {
      if (!key.startsWith(KEPT) || key == KEPT + answer.id) continue
      await navigator.locks?.request(key, { ifAvailable: true }, async lock => {
        const [from, since, body] = (lock && localStorage[key] || '').split('\n')
        if (from != service) return
        if (Date.now() - since > KEPT_FOR) return forget(key)
        const reply = await send(body).catch(() => null)
        if (reply && reply.status < 500 && reply.status != 429) forget(key)
      })
    }
  }
  deliverKept()
  addEventListener('online', deliverKept)

  /** Send until the service has the last revision. Each says all, so that one arriving late or twice does no harm. */
  async function deliver() {
    for (let failures = 0; arrived < answer.revision; ) {
      const revision = answer.revision
      const reply = await post().catch(() => null)
      if (reply && reply.ok) {
        arrived = revision
        forget(KEPT + answer.id)
      } else if (reply && reply.status < 500 && reply.status != 429) {
        forget(KEPT + answer.id)
        // Whatever it is, the plain form has a page that says so.
        return HTMLFormElement.prototype.submit.call(form)
      } else {
        say(texts.error)
        keep()
        const seconds = Number(reply && reply.headers.get('Retry-After'))
        await pause(seconds ? seconds * 1000 : Math.min(LONGEST_WAIT, 1000 * 2 ** failures++))
      }
    }
    say(texts.saved, true)
  }

  function save(fields) {
    Object.assign(answer, fields)
    answer.revision++
    sending ||= deliver().finally(() => { sending = null })
    return sending
  }

  function say(text, fine) {
    if (told.textContent != text) told.textContent = text
    told.classList.toggle('fine', !!fine)
  }

  const score = () => {
    const chosen = scale.querySelector(':checked')
    return chosen ? Number(chosen.value) : null
  }

  const group = () => groups.find(one => one.low <= answer.score && answer.score <= one.high).key

  function choose() {
    moved = false
    if (score() != answer.score) save({ score: score() })
  }

  /** Show the question that fits the score, whether it is saved already or not. */
  function ask() {
    const chosen = score()
    const key = groups.find(one => one.low <= chosen && chosen <= one.high).key
    const offered = texts.choices[key]
    asked.textContent = choices.firstChild.textContent = texts.follow_up[key]
    if (choices.dataset.of != key) choices.lastChild.replaceChildren(...(offered || []).map(offer))
    choices.dataset.of = key
    choices.hidden = !offered
    asked.hidden = comment.hidden = !!offered
    more.classList.add('open')
    if (confirm) confirm.hidden = true
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

  /** What was said to the second question. */
  function second() {
    if (choices.hidden) return { comment: comment.value.trim() || null }
    const picked = [...choices.querySelectorAll(':checked')].map(box => box.value)
    return picked.length ? { answers: { follow_up: texts.many ? picked : picked[0] } } : {}
  }

  // A mail's link has chosen, and machines open links too, some with a script: the score counts once a person acts.
  if (confirm) {
    const act = event => {
      if (!event.isTrusted || answer.score != null || scale.contains(event.target)) return
      choose()
      if (!confirm.contains(event.target)) ask()
    }
    addEventListener('pointerdown', act, true)
    addEventListener('keydown', act, true)
    confirm.querySelector('button').addEventListener('click', event => {
      event.preventDefault()
      if (!event.isTrusted) return
      choose()
      ask()
      comment.focus()
    })
  }

  // Arrow keys move through native radios and choose on the way; a score is only what the visitor stops at.
  scale.addEventListener('keydown', event => {
    byArrow = event.key.startsWith('Arrow')
  })
  scale.addEventListener('click', event => {
    if (event.target.name != 'score' || confirm && !event.isTrusted) return
    ask()
    if (byArrow) moved = true
    else choose()
    byArrow = false
  })
  scale.addEventListener('focusout', event => {
    if (moved && !scale.contains(event.relatedTarget)) choose()
  })

  form.addEventListener('submit', async event => {
    event.preventDefault()
    // Enter on a score chooses it; only then is there anything to send.
    if (scale.contains(document.activeElement) && score() != answer.score) return ask(), choose()
    answer.score = score()
    await save({ ...second(), final: true })
    if (arrived == answer.revision) thank()
  })

  function thank() {
    const heading = done.querySelector('h1')
    document.title = heading.textContent = texts.thanks[group()]
    form.hidden = true
    done.hidden = false
    heading.focus()
    if (kiosk) restartIn(kiosk * 1000)
  }

  const change = done.querySelector('button')
  if (change) change.addEventListener('click', () => {
    done.hidden = true
    form.hidden = false
    ask()
    form.querySelector(':checked').focus()
  })

  // A kiosk goes back for the next person, and only while the service is there: an error page would stay.
  function restartIn(ms) {
    clearTimeout(home)
    home = setTimeout(async () => {
      const there = await fetch(start, { method: 'HEAD' }).then(reply => reply.ok, () => false)
      if (there) location.replace(start)
      else restartIn(5000)
    }, ms)
  }
  if (kiosk) for (const type of ['input', 'click', 'keydown']) form.addEventListener(type, () => restartIn(IDLE))

  if (score() != null && !confirm) ask()

  addEventListener('pagehide', () => {
    if (arrived == answer.revision) return
    keep()
    post().then(reply => reply.ok && forget(KEPT + answer.id)).catch(() => {})
  })
})()
