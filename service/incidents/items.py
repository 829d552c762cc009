"""Reports and actions on their way to the statement, and what keeps them apart in a batch."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from uuid import UUID

from service.auth.subject import Subject
from service.incidents import rules
from service.incidents.opening import NewIncident
from service.incidents.together.merging import PAIRED
from service.kit.case_rows import ContactRow


@dataclass(slots=True)
class ReportItem:
    """One report on its way to the statement."""

    subject: Subject
    new: NewIncident
    key: str | None
    request_hash: bytes
    contact: ContactRow | None = None


@dataclass(slots=True)
class ActItem:
    """One action on its way to the statement."""

    subject: Subject
    case_id: UUID
    command: rules.Command
    key: str | None
    request_hash: bytes
    # The emergency by which the caller commands, once that was found to matter.
    activation_id: UUID | None = None

    @property
    def master_id(self) -> UUID | None:
        """The other case that the action changes too."""
        joint = self.command.joint
        return joint.other if joint and self.command.action in PAIRED else None

    @property
    def case_ids(self) -> tuple[UUID, ...]:
        """The cases that the action changes."""
        master = self.master_id
        return (self.case_id,) if master is None else (self.case_id, master)


def report_keys(item: ReportItem) -> tuple[Hashable, ...]:
    """The same key or id twice in one statement would find no first answer: keep them apart."""
    if item.key is None:
        return (item.new.id,)
    return (item.new.id, (item.subject.account_id, item.key))


def act_keys(item: ActItem) -> tuple[Hashable, ...]:
    """Two actions on one case, or with one key, are never decided side by side."""
    if item.key is None:
        return item.case_ids
    return (*item.case_ids, (item.subject.account_id, item.key))
