// On what kind of device and in which family of browsers the page is seen, as the page itself would say it.
export default ({ properties }) => {
  const { userAgent, maxTouchPoints } = navigator
  const is = pattern => pattern.test(userAgent)
  // iPads call themselves Macs, and no Mac has a screen to touch.
  const tablet = is(/iPad|Tablet|PlayBook|Silk/) || is(/Android(?!.*Mobile)/) || (is(/Macintosh/) && maxTouchPoints > 1)
  const device = tablet ? 'tablet' : is(/Mobi|iPhone|iPod/) ? 'phone' : 'computer'
  // Most call themselves by the names of others too: the first that fits is the one.
  const names = { Edg: 'Edge', OPR: 'Opera', Samsung: 'Samsung Internet', 'Firefox|FxiOS': 'Firefox', 'Chrom|CriOS': 'Chrome', Safari: 'Safari' }
  const browser = Object.keys(names).find(name => is(RegExp(name)))
  properties({ device, browser: names[browser] || 'other' })
}
