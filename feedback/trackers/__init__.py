"""The issue trackers, one file each: how an issue is made, found and read, and how a tracker's calls prove themselves.

Beside them stands what they share: `tracker` (the values) and `written` (an issue's words, harmless everywhere).
"""

from feedback.trackers import github, jira, linear
from feedback.trackers.tracker import Tracker

TRACKERS: dict[str, Tracker] = {"github": github, "jira": jira, "linear": linear}
