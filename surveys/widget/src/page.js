// What the panel knows: the survey's words, put in by the server, and the page, told by the loader.

import { guard, settings, verdict } from './told.js'

export * from './told.js'

/* global __EARSHOT_SURVEY__ */
/** In one language: the scale's lowest score and a label for each of its scores, the groups as [name, highest score,
 * second question, thanks, choices], lowest first, the words of the panel itself, the
 * colours as a style sheet, for how many days to leave those alone who answered or did not want to, and how the scale is
 * drawn: 0 for numbers, 1 for words, else its name and a path for each score; what makes the link under the thanks, what
 * tells the device, and, where that is asked, whether we may write: the question, and what may be ticked; or nothing. */
export const [
  language,
  direction,
  question,
  min,
  labels,
  groups,
  [surveyWord, sendWord, closeWord, savedWord],
  palette,
  many,
  daysAfterAnswer,
  daysAfterDecline,
  drawn,
  link,
  device,
  contact,
] = __EARSHOT_SURVEY__

/** Say which rule decided, and until when it does. */
export const decide = (rule, until) => {
  verdict.rule = rule
  verdict.until = until
}

/** Leave the visitor alone for some days; where nothing can be stored, for the life of this page. */
export const rest = days =>
  guard(() => (localStorage['earshot:' + verdict.survey] = Date.now() + days * 864e5))() || (settings.rule = 'answered')
