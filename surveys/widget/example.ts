// How a page written in TypeScript uses the widget; the tests have the compiler read it, nothing runs it.

import { load, type Earshot, type Verdict } from './earshot.js'
import { useEarshot } from './react.js'
import { useEarshot as useInVue } from './vue.js'

const earshot: Earshot = load('https://surveys.example/w/sv_….js', { mode: 'tab', label: 'Feedback', after: 3, test: true })

earshot('identify', { id: 42, email: 'ann@example.org', signature: '…' })
earshot('identify')
earshot('properties', { plan: 'pro', seats: 3, trial: false })
earshot('ask', 'checkout')
earshot('on', 'answered', ({ score, group }) => console.log(score.toFixed(), group.length))
earshot('on', 'finished', ({ comment, answers }) => console.log(comment?.length, answers?.follow_up))

const end: () => void = earshot('on', 'shown', () => {})
end()
earshot('off', 'answered', console.log)
useEarshot('https://surveys.example/w/sv_….js', {}, { answered: ({ score }) => console.log(score.toFixed()) })('open')
useInVue('https://surveys.example/w/sv_….js')('ask', 'checkout')

const verdict: Verdict | undefined = earshot('explain')
console.log(verdict?.rule, verdict?.settings.mode)

// @ts-expect-error: there is no such mode
load('https://surveys.example/w/sv_….js', { mode: 'banner' })
// @ts-expect-error: there is no such command
earshot('shout')
