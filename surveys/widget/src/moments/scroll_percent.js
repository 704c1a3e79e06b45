// Also once this share of the page was scrolled into view.
export default (percent, consider) =>
  addEventListener('scroll', () => {
    const { scrollHeight } = document.scrollingElement
    if ((scrollY + innerHeight) * 100 >= percent * scrollHeight) consider()
  })
