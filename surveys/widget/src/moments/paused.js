// No moment at all: the survey is paused. Answers that wait in the browser are still delivered.
export default (_, __, page) => {
  page.agrees = () => {
    page.verdict.rule = 'paused'
  }
  page.agrees()
}
