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
  if (form.querySelector(':checked') && !confirm) more.classList.add('open')

  const post = () => fetch('../r', {
    method: 'POST', keepalive: true, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(answer),
  })

  const pause = ms => new Promise(wake => {
    setTimeout(wake, ms)
    addEventListener('online', wake, { once: true })
  })

  /** Send until the service has the last revision. Each says all, so that one arriving late or twice does no harm. */
  async function deliver() {
    for (let failures = 0; arrived < answer.revision; ) {
      const revision = answer.revision
      const reply = await post().catch(() => null)
      if (reply && reply.ok) {
        arrived = revision
      } else if (reply && reply.status < 500 && reply.status != 429) {
        // Whatever it is, the plain form has a page that says so.
        return HTMLFormElement.prototype.submit.call(form)
      } else {
        say(texts.error)
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
    const chosen = form.querySelector(':checked')
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
    asked.textContent = texts.follow_up[groups.find(one => one.low <= chosen && chosen <= one.high).key]
    more.classList.add('open')
    if (confirm) confirm.hidden = true
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
    await save({ comment: comment.value.trim() || null, final: true })
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

  addEventListener('pagehide', () => {
    if (arrived < answer.revision) post().catch(() => {})
  })
})()
