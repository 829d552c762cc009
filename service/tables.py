"""All tables in one metadata, for migrations and for the drift test."""

from __future__ import annotations

from service.areas import models as _areas
from service.attachments import models as _attachments
from service.auth import models as _auth
from service.duties import models as _duties
from service.emergency import models as _emergency
from service.incidents import models as _incidents
from service.incidents.policies import models as _policies
from service.indicators import models as _indicators
from service.kit.models import metadata
from service.plan import models as _plan

__all__ = ["metadata"]

ROOMS = (
    _areas,
    _attachments,
    _auth,
    _duties,
    _emergency,
    _incidents,
    _policies,
    _indicators,
    _plan,
)
