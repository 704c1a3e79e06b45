// What the widget calls the service for: may this visitor be asked, the survey was shown, and the answer.

import { json } from './host.js'
import { language, settings, verdict } from './page.js'
import { call } from './sender.js'
import { about } from './visitor.js'

/** Random digits in the shape of a UUID (RFC 9562, version 4); crypto.randomUUID is missing on pages without TLS. */
const uuid = () =>
  'xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx'.replace(/x/g, () =>
    (crypto.getRandomValues(new Uint8Array(1)) % 16).toString(16),
  )

/** Does the service refuse what comes from this page's origin? What there is to be done about it goes to the console,
 * once; and the survey does not show again. */
export const refused = async () => {
  try {
    const { refused } = await (await call(`/w/${verdict.survey}/origin`, 5e3)).json()
    if (refused && settings.rule != 'origin') {
      settings.rule = 'origin'
      console.warn(refused)
    }
    return refused
  } catch {
    // No word from the service: it is away.
  }
}

const tell = (name, fields) => call(`/w/${verdict.survey}/${name}`, 5e3, json(fields)).catch(refused)

/** May this person be asked now? Resolves to {ask, rule, invitation}; rejects when the service gives no answer. */
export const ask = async ({ person, touchpoint }) => (await tell('ask', { person, touchpoint })).json()

/** Count that the survey was shown or dismissed; a count that is lost does no harm. */
export const report = event => tell('event', { invitation: about.invitation, event })

/** The answer as it begins. */
export const newAnswer = () => ({
  id: uuid(),
  revision: 0,
  survey: verdict.survey,
  // One holds 122 random bits; nobody is to guess this.
  edit_key: uuid() + uuid(),
  channel: 'widget',
  language,
  // Without query and fragment, which may tell more than the visitor means to.
  page: (location.origin + location.pathname).slice(0, 2000),
  test: 'test' in settings,
})
