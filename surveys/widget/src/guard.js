// What keeps our errors to ourselves.

/** The same function, but an error in it never reaches the page. */
export const guard = task => (...given) => {
  try {
    return task(...given)
  } catch {
    // Nothing of ours is worth the page's peace.
  }
}
