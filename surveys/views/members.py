"""Members of the team over the API."""

from typing import Any

from flask import g

from surveys import team, visible
from surveys.base import clock
from surveys.base.accounts.members import Member
from surveys.base.accounts.one_time_links import WELCOME
from surveys.base.http import audited, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent_secret
from surveys.mail import member_mail
from surveys.schemas.members import (
    MemberBody,
    MemberInvited,
    MemberList,
    MemberOut,
    MemberPatch,
    MemberRemoving,
)

routes = Routes("members", __name__, url_prefix="/api/members", description="The people of the team.")


@routes.route("", methods=["GET"])
@needs("admin")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, MemberList)
def index(query: dict[str, Any]) -> Any:
    """Members, newest first."""
    found = visible.narrowed(Member.select(), g.caller)
    rows, following = lists.newest_first(
        found, Member.created_at, Member.id, query.get("cursor"), query["limit"]
    )
    return {"items": rows, "next": following}


@routes.route("", methods=["POST"])
@needs("admin")
@idempotent_secret
@routes.arguments(MemberBody)
@routes.response(201, MemberInvited)
def create(body: dict[str, Any]) -> Any:
    """Invite somebody. The link is shown this once; where mail is configured, it goes to them by mail too."""
    now = clock.now()
    member, url = team.invite(body, g.caller, now)
    member_mail.enqueue(WELCOME, member.email, now)
    audited.about(member.id)
    return {**member.__data__, "second_factor": member.second_factor, "url": url}


@routes.route("/<member_id>", methods=["PATCH"])
@needs("admin")
@routes.arguments(MemberPatch)
@routes.response(200, MemberOut)
def change(body: dict[str, Any], member_id: str) -> Any:
    """Change a member; role and limits hold at once."""
    return team.change(member_id, body, g.caller)


@routes.route("/<member_id>", methods=["DELETE"])
@needs("admin")
@routes.arguments(MemberRemoving, location="query")
@routes.response(204)
def delete(query: dict[str, Any], member_id: str) -> Any:
    """Take a member out, signed out everywhere at once. The last administrator stays (409).

    The saved views, webhooks, rules and digests that the member made are paused, unless they are kept.
    """
    kept = [name.removeprefix("keep_") for name, value in query.items() if value == "1"]
    team.remove(member_id, g.caller, kept)
