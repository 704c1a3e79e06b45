// For Vue: `import { useEarshot } from 'earshot-widget/vue'`.

import { onBeforeUnmount, onMounted } from 'vue'
import { hear, load } from './earshot.js'

/** Put the widget into the page and return what speaks to it. `listeners`, {answered: call, …}, are called until the
 * component is gone. */
export function useEarshot(address, attributes, listeners) {
  let end
  onMounted(() => (end = hear(load(address, attributes), () => listeners)))
  onBeforeUnmount(() => end())
  return (...call) => window.earshot?.(...call)
}
