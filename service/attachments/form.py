"""The upload form: one part `file` and a few fields, read only for who may upload."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from service.attachments.schemas import UploadFields
from service.errors import FieldProblem, InvalidInput, MalformedBody, UnsupportedMediaType
from service.kit.idempotency import HEADER, Once, hash_request, key_of
from service.kit.openapi import reads
from service.validation import problem_of

MULTIPART = "multipart/form-data"
CHUNK = 256 * 1024
MAX_FIELDS = 4
FIELD_BYTES = 1_024
NO_FILE = FieldProblem(
    "/file", "missing", "缺少名为 file 的文件", "A file part named file is missing"
)


@dataclass(frozen=True, slots=True)
class Upload:
    """One request to keep a file."""

    file: UploadFile
    fields: UploadFields
    request: Request

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes, from its beginning."""
        await self.file.seek(0)
        while chunk := await self.file.read(CHUNK):
            yield chunk

    def once(self, content_sha256: str) -> Once:
        """The request's key and the hash of what it asks, whatever the form's boundary is."""
        asked = f"{content_sha256}\n{self.fields.model_dump_json()}\n{self.file.filename}"
        request = self.request
        path = request.url.path
        body = asked.encode("utf-8", "surrogatepass")
        return Once(key_of(request), hash_request(request.method, path, body))


@reads(HEADER)
async def upload_form(request: Request) -> AsyncIterator[Upload]:
    """A dependency: the form, for as long as the request lasts.

    Raises UnsupportedMediaType, MalformedBody, InvalidInput.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != MULTIPART:
        raise UnsupportedMediaType(given=given[:100] or "–", expected=MULTIPART)
    key_of(request)
    try:
        form = await request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=FIELD_BYTES)
    except UnicodeError:
        raise MalformedBody(reason="the charset of the form is not usable") from None
    try:
        yield _read(form, request)
    finally:
        await form.close()


def _read(form: FormData, request: Request) -> Upload:
    names = [name for name, _ in form.multi_items()]
    if len(names) != len(set(names)):
        raise MalformedBody(reason="a part appears twice")
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InvalidInput(fields=(NO_FILE,))
    try:
        fields = UploadFields.model_validate({k: v for k, v in form.items() if k != "file"})
    except ValidationError as error:
        raise problem_of(error) from None
    return Upload(file, fields, request)
