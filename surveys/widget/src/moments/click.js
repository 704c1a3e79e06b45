// Also when an element that matches this selector is clicked; a selector that cannot be read matches nothing.
export default (selector, consider) =>
  addEventListener('click', event => {
    try {
      if (event.target.closest(selector)) consider()
    } catch {
      // Neither the text node that was clicked nor a wrong selector is the page's fault.
    }
  })
