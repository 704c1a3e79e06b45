// Also when the pointer leaves through the top of the window.
export default (_, consider) =>
  addEventListener('mouseout', event => {
    if (!event.relatedTarget && event.clientY <= 0) consider()
  })
