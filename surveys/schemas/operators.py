"""What goes out to whoever runs the service."""

import marshmallow as ma
from marshmallow import fields


class Alive(ma.Schema):
    """The process is up."""

    status = fields.String()


class BackupOut(ma.Schema):
    """When the last good backup was made, and whether the last try failed."""

    at = fields.String(allow_none=True, metadata={"format": "date-time"})
    failed = fields.Boolean()


class Ready(ma.Schema):
    """Ready for traffic. A backup that fails makes no 503."""

    status = fields.String()
    backup = fields.Nested(
        BackupOut,
        allow_none=True,
        metadata={"description": "null: none are made, for BACKUP_DIR is not set."},
    )
