"""What the audit log tells in words: a deed for each route that changes something, and the fields that say what."""

import re
from collections.abc import Collection, Iterable

#: What was done by a call of a route, as it stands behind the name of who did it.
DEEDS = {
    "POST /api/connections": "connected a helpdesk",
    "PATCH /api/connections/{connection_id}": "changed a helpdesk's connection",
    "DELETE /api/connections/{connection_id}": "removed a helpdesk's connection",
    "POST /api/digests": "had a digest sent",
    "DELETE /api/digests/{digest_id}": "ended a digest",
    "POST /api/feeds": "saved a view",
    "POST /api/feeds/{feed_id}/take-over": "answers for a saved view from now on",
    "DELETE /api/feeds/{feed_id}": "forgot a saved view",
    "POST /api/follow-ups": "opened a follow-up",
    "PATCH /api/follow-ups/{follow_up_id}": "changed a follow-up",
    "POST /api/follow-ups/{follow_up_id}/ask": "asked a customer whether it is solved",
    "POST /api/follow-ups/{follow_up_id}/reply": "wrote to a customer",
    "POST /api/goals": "set a goal",
    "PATCH /api/goals/{goal_id}": "changed a goal",
    "DELETE /api/goals/{goal_id}": "deleted a goal",
    "PUT /api/brand": "changed the brand",
    "PUT /api/hours": "set the opening hours",
    "DELETE /api/invitations/{invitation_id}": "took an invitation back",
    "POST /api/keys": "made an API key",
    "DELETE /api/keys/{key_id}": "revoked an API key",
    "POST /api/members": "invited a member",
    "PATCH /api/members/{member_id}": "changed a member",
    "DELETE /api/members/{member_id}": "removed a member",
    "POST /api/people": "added a person",
    "PATCH /api/people/{person_id}": "changed a person",
    "DELETE /api/people/{person_id}": "erased a person",
    "GET /api/people/{person_id}/export": "took all that is kept of a person",
    "GET /team/people/{person_id}/export.json": "took all that is kept of a person",
    "GET /team/admin/privacy/export.json": "took all that is kept of a person",
    "POST /api/people/{person_id}/unsubscribe": "unsubscribed a person",
    "PATCH /api/notices/{notice_id}": "said whether a notice was of use",
    "POST /api/pins": "pinned a note",
    "DELETE /api/pins/{pin_id}": "took a pinned note off",
    "POST /api/responses": "imported answers",
    "PATCH /api/responses/{response_id}": "changed what the team says of an answer",
    "DELETE /api/responses/{response_id}": "deleted an answer",
    "POST /api/rules": "made a rule of notices",
    "PATCH /api/rules/{rule_id}": "changed a rule of notices",
    "POST /api/rules/{rule_id}/take-over": "answers for a rule of notices from now on",
    "DELETE /api/rules/{rule_id}": "deleted a rule of notices",
    "POST /api/rules/backtest": "tried a rule of notices on the past",
    "POST /api/surveys": "made a survey",
    "PATCH /api/surveys/{survey_id}": "changed a survey",
    "DELETE /api/surveys/{survey_id}": "deleted a survey",
    "PUT /api/tags": "changed the team's tags",
    "POST /api/themes": "made a theme",
    "PATCH /api/themes/{theme_id}": "changed a theme",
    "POST /api/themes/{theme_id}/merge": "merged two themes",
    "POST /api/topics": "taught a topic",
    "PATCH /api/topics/{topic_id}": "changed a topic",
    "POST /api/topics/{topic_id}/{kind}": "gave a topic's card an address",
    "DELETE /api/topics/{topic_id}/{kind}": "took the address of a topic's card back",
    "DELETE /api/loops/{loop_id}": "took back what was to be told",
    "POST /api/topics/{topic_id}/loop": "had people told what came of a topic",
    "POST /api/topics/{topic_id}/merge": "merged two topics",
    "POST /api/topics/{topic_id}/split": "split a topic",
    "POST /api/topics/review": "asked for a review of the topics",
    "POST /api/topics/{topic_id}/issue": "had an issue of a topic made or linked",
    "PATCH /api/topics/{topic_id}/issue": "steered the sync of a topic's issue, or decided what its tracker proposed",
    "DELETE /api/topics/{topic_id}/issue": "unlinked the issue of a topic",
    "POST /api/trackers": "connected an issue tracker",
    "PATCH /api/trackers/{tracker_id}": "changed an issue tracker",
    "DELETE /api/trackers/{tracker_id}": "removed an issue tracker",
    "POST /api/trackers/{tracker_id}/test": "tried an issue tracker out",
    "POST /api/webhooks": "made a webhook",
    "PATCH /api/webhooks/{webhook_id}": "changed a webhook",
    "DELETE /api/webhooks/{webhook_id}": "deleted a webhook",
    "POST /api/webhooks/{webhook_id}/secret": "changed the secret of a webhook",
    "POST /api/webhooks/{webhook_id}/take-over": "answers for a webhook from now on",
    "POST /api/webhooks/{webhook_id}/replay": "had events sent to a webhook again",
    "POST /api/webhooks/{webhook_id}/test": "tried a webhook out",
    "POST /team": "set or took off a note or a benchmark on the overview",
    "POST /team/admin/members": "set which roles need a second factor",
    "POST /team/admin/members/{member_id}": "removed a member, made them a link or took their second factor away",
    "POST /team/confirm": "proved their password once more",
    "POST /team/feed": "dealt with several answers, or with a saved view",
    "POST /team/feed/{response_id}": "dealt with an answer",
    "POST /team/follow-ups/{follow_up_id}": "worked on a follow-up, or wrote to its customer",
    "POST /team/goals": "set or deleted a goal",
    "POST /team/goals/{goal_id}": "changed a goal",
    "POST /team/loop": "had people told what came of a topic, or took that back",
    "POST /team/notices": "made a rule of notices, or had events sent again",
    "POST /team/notices/{rule_id}": "changed, tried or judged a rule of notices",
    "POST /team/profile": "changed their profile, password or sessions",
    "POST /team/profile/recovery-codes": "made new recovery codes, or switched the second factor off",
    "POST /team/profile/second-factor": "switched their second factor on",
    "POST /team/reset": "asked for a new password",
    "POST /team/reset/{token}": "chose a new password",
    "POST /team/sign-in": "signed in",
    "POST /team/sign-in/code": "signed in with a code",
    "GET /team/sign-in/oidc/callback": "signed in, or connected their account, at the provider",
    "POST /team/sign-out": "signed out",
    "POST /team/tags": "changed the team's tags",
    "POST /team/admin/health": "released jobs that had been given up",
    "POST /team/admin/hours": "set the opening hours",
    "POST /team/admin/keys": "made or revoked an API key",
    "POST /team/admin/privacy": "erased a person",
    "POST /team/people/{person_id}": "erased a person, or ended mail to them",
    "POST /team/connections": "connected a helpdesk",
    "POST /team/connections/{connection_id}": "changed, tried or removed a helpdesk's connection",
    "POST /team/trackers": "connected an issue tracker",
    "POST /team/trackers/{tracker_id}": "changed, tried or removed an issue tracker",
    "POST /team/triggers": "asked what would be decided",
    "POST /team/surveys": "made a survey",
    "POST /team/surveys/{survey_id}": "changed a survey, switched its test mode, or made another secret for it",
    "POST /team/brand": "changed the brand",
    "POST /team/brand/preview/{part}": "tried the brand out",
    "POST /team/surveys/{survey_id}/preview/{part}": "tried a survey out",
    "POST /team/themes": "made a theme",
    "POST /team/themes/{theme_id}": "changed or merged a theme, or put a topic under it",
    "POST /team/topics": "taught a topic, or asked for a review of the topics",
    "POST /team/topics/{topic_id}": "changed, merged or split a topic, or did something about its issue",
    "POST /team/topics/{topic_id}/read": "read comments of a topic",
    "POST /team/welcome/{token}": "joined",
}

#: Of a page with several forms: a field that only one of them has, and what that form does.
_OTHER_FORMS = {
    "POST /team/admin/members": ("email", "invited a member"),
    "POST /team/admin/members/{member_id}": ("email", "changed a member"),
}

#: Of a page with several buttons: what each of them does, by the word that its form sends.
_BUTTONS = {
    "POST /team": {
        "pin": "pinned a note",
        "unpin": "took a pinned note off",
        "compare": "set a benchmark",
        "uncompare": "took a benchmark off",
    },
    "POST /team/admin/keys": {"revoke": "revoked an API key", "make": "made an API key"},
    "POST /team/admin/members": {
        "rule": "set which roles need a second factor",
        "invite": "invited a member",
    },
    "POST /team/admin/members/{member_id}": {
        "remove": "removed a member",
        "link": "made a member a link",
        "factor": "took a member's second factor away",
        "change": "changed a member",
    },
    "POST /team/feed": {
        "done": "marked answers as done",
        "archive": "archived answers",
        "unread": "marked answers as unread",
        "tag": "tagged answers",
        "save": "saved a view",
        "take": "answers for a saved view from now on",
        "forget": "forgot a saved view",
    },
    "POST /team/feed/{response_id}": {
        "done": "marked an answer as done",
        "archive": "archived an answer",
        "unread": "marked an answer as unread",
        "tag": "tagged an answer",
        "untag": "took a tag off an answer",
        "topics": "set the topics of an answer",
        "sentiment": "set the sentiment of an answer",
        "exclude": "took an answer out of every value",
        "restore": "counted an answer again",
        "follow_up": "opened a follow-up",
        "save": "saved a view",
        "take": "answers for a saved view from now on",
        "forget": "forgot a saved view",
    },
    "POST /team/follow-ups/{follow_up_id}": {
        "take": "took a follow-up",
        "owner": "handed a follow-up over",
        "steps": "ticked steps of a follow-up",
        "status": "set how far a follow-up is",
        "give_up": "gave a follow-up up",
        "note": "noted something in a follow-up",
        "reply": "wrote to a customer",
        "ask": "asked a customer whether it is solved",
    },
    "POST /team/goals": {
        "create": "set a goal",
        "sure": "set a goal",
        "delete": "deleted a goal",
        "try": "tried a goal on the past",
    },
    "POST /team/loop": {
        "preview": "looked at what is to be told",
        "send": "had people told what came of a topic",
        "undo": "took back what was to be told",
        "test": "tried out what is to be told",
        "away": "had nobody told of a topic",
    },
    "POST /team/notices": {
        "replay": "had events sent to a webhook again",
        "take": "answers for a webhook from now on",
        "create": "made a rule of notices",
        "try": "tried a rule of notices on the past",
    },
    "POST /team/notices/{rule_id}": {
        "useful": "said that a notice was of use",
        "nothing": "said that a notice was of no use",
        "snooze": "let a rule of notices rest",
        "wake": "let a rule of notices speak again",
        "less": "made a rule of notices less strict",
        "take": "answers for a rule of notices, or a webhook of it, from now on",
        "on": "switched a rule of notices on",
        "off": "switched a rule of notices off",
        "delete": "deleted a rule of notices",
        "test": "tried a rule of notices out",
    },
    "POST /team/profile": {
        "name": "changed their name",
        "language": "changed the language or the time zone that they read in",
        "password": "changed their password",
        "others": "ended their other sessions",
        "disconnect": "disconnected their account at the provider",
        "digest": "had a digest sent",
        "no_digest": "ended a digest",
    },
    "POST /team/profile/recovery-codes": {
        "codes": "made new recovery codes",
        "off": "switched the second factor off",
    },
    "POST /team/people/{person_id}": {"unsubscribe": "ended mail to a person", "erase": "erased a person"},
    "POST /team/connections/{connection_id}": {
        "change": "changed a helpdesk's connection",
        "try": "tried a helpdesk's connection",
        "remove": "removed a helpdesk's connection",
    },
    "POST /team/trackers/{tracker_id}": {
        "change": "changed an issue tracker",
        "try": "tried an issue tracker out",
        "remove": "removed an issue tracker",
    },
    "POST /team/surveys/{survey_id}": {
        "change": "changed a survey",
        "secret": "made another secret for a survey",
        "test": "switched a survey's test mode on",
        "live": "switched a survey's test mode off",
    },
    "POST /team/themes": {"make": "made a theme"},
    "POST /team/themes/{theme_id}": {
        "change": "changed a theme",
        "merge": "merged two themes",
        "put": "put a topic under a theme",
    },
    "POST /team/topics": {"teach": "taught a topic", "review": "asked for a review of the topics"},
    "POST /team/topics/{topic_id}": {
        "change": "changed a topic",
        "merge": "merged two topics",
        "split": "split a topic",
        "publish": "gave a topic's card an address",
        "revoke": "took the address of a topic's card back",
        "issue": "had an issue of a topic made",
        "link": "linked an issue to a topic",
        "again": "had an issue of a topic made again",
        "look": "had the issue of a topic looked at",
        "pause": "paused the sync of a topic's issue",
        "resume": "resumed the sync of a topic's issue",
        "accept": "set a topic to the status that its tracker proposed",
        "decline": "declined the status that a topic's tracker proposed",
        "unlink": "unlinked the issue of a topic",
    },
}

#: What stands before such a word among the names of fields.
_DOES = "do:"

#: Fields that say how a form works, and not what it changed.
_SILENT = frozenset(
    (
        "do",
        "version",
        "before",
        "id",
        "cursor",
        "current",
        "choice",
        "lang",
        "ticks",
        "part",
        "who",
        "seen",
    )
)

#: What numbers and ids make of a field's name, as in `color-0` and `survey:sv_…`.
_COUNTED = re.compile(r"[-:].*")


def told(action: str, names: Collection[str] = ()) -> str:
    """What was done, with fields of these names; the route itself where it is one of an older version."""
    buttons = _BUTTONS.get(action, {})
    for name in names:
        if name.startswith(_DOES) and name.removeprefix(_DOES) in buttons:
            return buttons[name.removeprefix(_DOES)]
    field, deed = _OTHER_FORMS.get(action, (None, ""))
    return deed if field in names else DEEDS.get(action, action)


#: What a route is about whose things are kept as hashes, by the first part of its address.
_HIDDEN = {
    "people": "person",
    "privacy": "person",
    "responses": "answer",
    "feed": "answer",
    "invitations": "invitation",
    "follow-ups": "follow_up",
    "digests": "digest",
    "notices": "notice",
    "loops": "loop",
    "loop": "loop",
}


#: The same by what its id begins with.
_KINDS = {
    "fu": "follow_up",
    "per": "person",
    "inv": "invitation",
    "dig": "digest",
    "ntc": "notice",
    "loop": "loop",
}


def hidden(action: str, kind: str | None = None) -> str:
    """What kind of thing a call of a route changed whose id is not kept: what its id began with says it surely."""
    if kind in _KINDS:
        return _KINDS[kind]
    parts = action.partition(" ")[2].split("/")
    return next((_HIDDEN[part] for part in parts if part in _HIDDEN), "other")


def fields_told(names: Iterable[str]) -> str:
    """The names of the fields in words, each once."""
    found = (
        _COUNTED.sub("", name).replace("_", " ") for name in names if _COUNTED.sub("", name) not in _SILENT
    )
    return ", ".join(dict.fromkeys(found))
