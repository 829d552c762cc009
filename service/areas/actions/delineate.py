"""Submitting delineations and checking them again (clause 23.2)."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import msgspec

from geo.codes import CodeError, Level, level_of
from service.areas import present
from service.areas.checks.examine import examine
from service.areas.checks.examiner import Examiner
from service.areas.checks.types import Examined, FileJob
from service.areas.errors import (
    AlreadyPublished,
    BadCode,
    DelineationRefused,
    IdTaken,
    OutsideArea,
    SchemeNotInUse,
    UnknownArea,
)
from service.areas.schemas.delineations import DelineationForm
from service.areas.store import delineations as store
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.config import Settings
from service.db import Database, Session
from service.errors import NotFound
from service.kit import event_log
from service.kit.idempotency import Answer, Once, hash_request
from service.kit.ids import uuid7

CASE_KIND = "delineation"
CLAUSES = ("23.2",)
CHUNK = 1 << 20
MAX_FILENAME = 200


@dataclass(frozen=True, slots=True)
class Submission:
    """What came with the file: see `schemas.delineations.DelineationForm`."""

    id: UUID
    area_code: str
    base_map: str
    scale: int
    surveyed_on: date
    map_review_number: str
    approval_document: str | None
    scheme: str | None
    crs: str | None
    layer: str | None
    synthetic: bool
    filename: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission whose file was read and checked, not stored yet."""

    submission: Submission
    file_sha256: str
    examined: Examined
    base_digest: str


def submission_of(form: DelineationForm) -> Submission:
    """What the form says, with an id of its own when the client made none."""
    names = ("area_code", "base_map", "scale", "surveyed_on", "map_review_number",
             "approval_document", "scheme", "crs", "layer", "synthetic")  # fmt: skip
    filename = (form.file.filename or "").replace("\0", "").encode("utf-8", "ignore").decode()
    told: dict[str, Any] = {name: getattr(form, name) for name in names}
    return Submission(id=form.id or uuid7(), filename=filename[:MAX_FILENAME], **told)


def keyed(asked: Once, form: DelineationForm, checked: Checked) -> Once:
    """The request's key with a hash of what it asks: every field and the file's content."""
    # An id of our own making would differ in a replay.
    told = {**asdict(checked.submission), "id": form.id, "file_sha256": checked.file_sha256}
    body = msgspec.json.encode(told, order="sorted")
    return Once(asked.key, hash_request("POST", "/v1/delineations", body))


def require_area(subject: Subject, permission: Permission, area: str) -> None:
    """Pass when the caller may do this in `area`. Raises BadCode and OutsideArea."""
    try:
        level = level_of(area)
    except CodeError as bad:
        raise BadCode.of(area, bad, "/area_code") from None
    if level not in (Level.COUNTY, Level.TOWNSHIP, Level.VILLAGE):
        raise UnknownArea(given=area, pointer="/area_code")
    if subject.role_in(permission, area) is None:
        raise OutsideArea(area=area)


async def check(
    db: Database,
    settings: Settings,
    examiner: Examiner,
    subject: Subject,
    submission: Submission,
    file: BinaryIO,
) -> Checked:
    """Read and check an uploaded file in a process of its own; nothing is stored.

    Raises BadCode, OutsideArea, UnknownArea, SchemeNotInUse, FileRefused, CrsUndeclared, CrsUnknown
    and Overloaded.
    """
    require_area(subject, Permission.DELINEATION_WRITE, submission.area_code)
    if submission.scheme not in (None, settings.code_scheme):
        raise SchemeNotInUse(used=settings.code_scheme, given=submission.scheme, pointer="/scheme")
    around, states = await store.surroundings(db.reads, submission.area_code, settings.code_scheme)
    if not around.villages:
        raise UnknownArea(given=submission.area_code, pointer="/area_code")
    with tempfile.TemporaryDirectory(prefix="gridward-") as folder:
        path = Path(folder) / "file"
        sha256 = await asyncio.to_thread(_save, file, path)
        job = FileJob(str(path), submission.crs, submission.layer, around)
        examined = await examiner.examine(job)
    return Checked(submission, sha256, examined, store.combined(states, examined.village_codes))


def _save(file: BinaryIO, path: Path) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    with path.open("xb") as saved:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            saved.write(chunk)
    return digest.hexdigest()


async def submit(
    session: Session, settings: Settings, subject: Subject, checked: Checked, now: datetime
) -> Answer:
    """Store a checked delineation with its features and findings; `refused` when it has errors.

    The same file under the same client-made id is answered with what is there. Raises IdTaken.
    """
    row = row_of(checked, settings.code_scheme, subject.account_id, now)
    headers = {"Location": f"/v1/delineations/{row['id']}"}
    if not await store.add(session, row, checked.examined):
        first = await store.locked(session, row["id"])
        same = ("file_sha256", "submitted_by", "area_code")
        if first is None or any(first[name] != row[name] for name in same):
            raise IdTaken(id=row["id"], pointer="/id")
        return Answer(201, present.delineation(first), {**headers, "Idempotency-Replayed": "true"})
    await append(session, subject, row, "delineation.submitted", "submit", now)
    return Answer(201, present.delineation(row), headers)


def row_of(checked: Checked, scheme: str, submitter: UUID, now: datetime) -> dict[str, Any]:
    """The row of a delineation that was just checked."""
    given, examined = checked.submission, checked.examined
    return {
        "id": given.id,
        "area_code": given.area_code,
        "scheme": scheme,
        "status": "checked" if examined.publishable else "refused",
        "base_map": given.base_map,
        "scale": given.scale,
        "surveyed_on": given.surveyed_on,
        "map_review_number": given.map_review_number,
        "approval_document": given.approval_document,
        "source_crs": examined.source_crs,
        "filename": given.filename,
        "file_sha256": checked.file_sha256,
        "synthetic": given.synthetic,
        "feature_count": len(examined.features),
        "village_codes": examined.village_codes,
        "base_digest": checked.base_digest,
        "report": examined.report,
        "submitted_by": submitter,
        "submitted_at": now,
        "published_by": None,
        "published_at": None,
    }


async def check_again(
    session: Session, db: Database, subject: Subject, id_: UUID, now: datetime
) -> Answer:
    """Check a delineation against the grids and boundaries that are there now.

    Raises NotFound, OutsideArea, AlreadyPublished and DelineationRefused.
    """
    row = await open_draft(session, subject, id_, Permission.DELINEATION_WRITE)
    around, states = await store.surroundings(db.reads, row["area_code"], row["scheme"])
    features = await store.features(session, id_)
    examined = await asyncio.to_thread(examine, features, around, row["source_crs"])
    row["status"] = "checked" if examined.publishable else "refused"
    row["report"] = examined.report
    row["base_digest"] = store.combined(states, examined.village_codes)
    await store.recheck(session, row, examined)
    await append(session, subject, row, "delineation.rechecked", "check", now)
    return Answer(200, present.delineation(row))


async def open_draft(
    session: Session, subject: Subject, id_: UUID, permission: Permission
) -> dict[str, Any]:
    """The delineation, locked, if the caller may do this to it and it passed its check.

    Raises NotFound, OutsideArea, AlreadyPublished and DelineationRefused.
    """
    row = await store.locked(session, id_)
    if row is None:
        raise NotFound
    require_area(subject, permission, row["area_code"])
    if row["status"] in ("published", "superseded"):
        raise AlreadyPublished
    if row["status"] == "refused":
        raise DelineationRefused(errors=row["report"]["findings"]["error"])
    return row


async def append(
    session: Session,
    subject: Subject,
    row: Mapping[str, Any],
    event: str,
    action: str,
    now: datetime,
) -> None:
    """Chain what happened to a delineation to its history."""
    role = subject.role_in(Permission.DELINEATION_WRITE, row["area_code"])
    await event_log.append(
        session,
        CASE_KIND,
        row["id"],
        event=event,
        action=action,
        actor_id=subject.account_id,
        actor_role=role,
        clauses=CLAUSES,
        now=now,
        to_state=row["status"],
        payload={"file_sha256": row["file_sha256"], "features": row["feature_count"]},
    )
