"""What happens in asking, by name. `reactions` says what follows from it; so do the contents pages of other rooms."""

#: Of a response; with its `key`.
RECORDED = "response recorded"
AMENDED = "response amended"

#: It was deleted or erased; with its `key` and `id`.
ERASED = "response erased"

#: Nothing has changed of it for a while, for whoever wants to hear of that; with its `key` and `revision`.
SETTLED = "response settled"

#: Something about it changed that whoever follows the feed would see, told only while somebody wants to hear of it;
#: with its `key`.
CHANGED = "response changed"
