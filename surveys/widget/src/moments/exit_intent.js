// Also when the pointer leaves through the top of the window; at each address once.
export default (_, consider) => {
  let at
  addEventListener('mouseout', event => {
    if (at != location.href && !event.relatedTarget && event.clientY <= 0) {
      at = location.href
      consider()
    }
  })
}
