// Also once this share of the page was scrolled into view; at each address once, as scrolling never ends.
export default (percent, consider) => {
  let at
  addEventListener('scroll', () => {
    const { scrollHeight } = document.scrollingElement
    if (at != location.href && (scrollY + innerHeight) * 100 >= percent * scrollHeight) {
      at = location.href
      consider()
    }
  })
}
