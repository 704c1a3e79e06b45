"""What follows from what happens in asking: each line by itself, one that fails keeps no other from running.

A line with several functions is done in this order, because a later one needs what an earlier one wrote.
"""

from surveys import events
from surveys.base import jobs
from surveys.base.accounts import keys
from surveys.base.jobs import Handler
from surveys.tickets import notes
from surveys.webhooks import calling, telling

REACTIONS: dict[str, tuple[tuple[Handler, ...], ...]] = {
    events.RECORDED: ((notes.wait,),),
    events.AMENDED: ((notes.wait,),),
    events.SETTLED: ((notes.settle,),),
    telling.DUE: ((calling.look,),),
}


def install() -> None:
    """Have them follow, and webhooks go with the keys and members that made them."""
    jobs.react(REACTIONS)
    keys.use_things("webhooks", telling.OfMakers())
