// All of Formbricks that is on npm: it fetches the rest from a Formbricks server, which is not here.
import formbricks from '@formbricks/js'

window.formbricks = formbricks
