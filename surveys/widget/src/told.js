// What the loader has for the panel, see there; in the one file the loader itself stands in this module's place.

export let verdict, settings, script, endpoint, guard, make, find, refuses, unseen

/** Learn what the page is. */
export const learn = given => void ([verdict, settings, script, endpoint, guard, make, find, refuses, unseen] = given)
