// A page of plain forms behind a mail's links: no script sends them.

import { watchActs } from './acts.js'

watchActs(document.forms, () => {})
