// A page that asks nothing (any more) still delivers what waits in the browser.

import { sendKept } from '../sender.js'

sendKept()
