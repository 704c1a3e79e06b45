// Puts the widget in as any site would, with the service and the survey from this page's own address:
// index.html?service=http://127.0.0.1:8000&survey=sv_…

const { search } = location
const asked = new URLSearchParams(search)
const own = document.currentScript.dataset

window.earshot ||= (...call) => {
  ;(earshot.q ||= []).push(call)
}

for (const link of document.querySelectorAll('header a')) link.search = search

const log = (event, detail) => {
  const line = document.createElement('li')
  line.textContent = detail ? `${event} ${JSON.stringify(detail)}` : event
  document.querySelector('#log').append(line)
}
for (const event of ['shown', 'answered', 'finished', 'dismissed']) earshot('on', event, detail => log(event, detail))

let count = 0
for (const button of document.querySelectorAll('.price button'))
  button.addEventListener('click', () => {
    document.querySelector('#basket-says').textContent = `In your basket: ${++count}`
    if (button.id == 'basket') earshot('ask', 'basket')
  })
document.querySelector('#speak')?.addEventListener('click', () => earshot('open'))

if (asked.has('survey')) {
  const script = document.createElement('script')
  script.src = `${asked.get('service')}/w/${asked.get('survey')}.js`
  Object.assign(script.dataset, own)
  document.head.append(script)
} else {
  log('Say which survey: ?service=http://127.0.0.1:8000&survey=sv_…')
}
