"""HTTP of response policies: the one in force for everybody, drafts for administrators."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.auth.acting import administer
from service.auth.guards import Caller
from service.incidents.policies import actions, schemas, simulating, simulation_schemas, store
from service.incidents.policies.common_http import Manager, Reader, page, rules_of
from service.kit import clock
from service.kit.answers import json_answer
from service.kit.idempotency import Asked
from service.kit.openapi import problems, sends
from service.kit.paging import BEYOND_ANY, DEFAULT_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["response"], route_class=ClauseRoute)

CASE = clauses("23.2")


@router.get(
    "/response-policy",
    operation_id="read_response_policy",
    response_model=schemas.PolicyInForce,
    responses=problems(401, 409),
    openapi_extra=CASE,
)
async def read_response_policy(request: Request, _caller: Caller) -> Response:
    """现行响应时限 The limits in force now: levels, tiers, calls, extension.

    Without any published policy it is 409.
    """
    rules = await rules_of(request).current()
    return json_answer(rules.documents[rules.policy_at(clock.now()).version])


@router.get(
    "/response-policies",
    operation_id="list_response_policies",
    response_model=schemas.PolicyPage,
    responses=problems(401, 403),
    openapi_extra=CASE,
)
async def list_response_policies(
    request: Request, _caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """响应时限版本 Versions, newest first: drafts, published and withdrawn ones."""
    return await page(
        request, store.PAGE, "version", cursor, limit, first=BEYOND_ANY, name="response-policies"
    )


@router.get(
    "/response-policies/{version}",
    operation_id="read_response_policy_version",
    response_model=schemas.ResponsePolicyVersion,
    responses=problems(401, 403, 404),
    openapi_extra=CASE,
)
async def read_response_policy_version(
    request: Request, _caller: Reader, version: schemas.Version
) -> Response:
    """响应时限某版 One version with its whole body, a draft too."""
    return json_answer(await actions.read(request.app.state.db, version))


@router.post(
    "/response-policies",
    status_code=201,
    operation_id="draft_response_policy",
    response_model=schemas.ResponsePolicyVersion,
    responses={201: sends("Location"), **problems(401, 403, 404, 409)},
    openapi_extra=CASE,
)
async def draft_response_policy(
    request: Request, caller: Manager, asked: Asked, body: schemas.PolicyNew
) -> Response:
    """起草响应时限 A copy of the policy in force, of another version, or a whole policy."""
    return await administer(
        request, caller, asked, lambda session: actions.draft(session, caller.account_id, body)
    )


@router.put(
    "/response-policies/{version}",
    operation_id="put_response_policy",
    response_model=schemas.ResponsePolicyVersion,
    responses=problems(401, 403, 404, 409),
    openapi_extra=CASE,
)
async def put_response_policy(
    request: Request,
    caller: Manager,
    asked: Asked,
    version: schemas.Version,
    body: schemas.PolicyPut,
) -> Response:
    """编辑响应时限草案 Replace the whole body of a draft.

    What is wrong shows in `validate`.
    """
    return await administer(
        request,
        caller,
        asked,
        lambda session: actions.put(session, caller.account_id, version, body),
    )


@router.post(
    "/response-policies/{version}/validate",
    operation_id="validate_response_policy",
    response_model=schemas.PolicyValidation,
    responses=problems(401, 403, 404),
    openapi_extra=CASE,
)
async def validate_response_policy(
    request: Request, _caller: Reader, version: schemas.Version
) -> Response:
    """校验响应时限 Whether the version could be published now, with every error and warning.

    Nothing changes.
    """
    state = request.app.state
    rules = await rules_of(request).current()
    return json_answer(await actions.validate(state.db, rules, state.settings.county, version))


@router.post(
    "/response-policies/{version}/simulate",
    operation_id="simulate_response_policy",
    response_model=simulation_schemas.Simulation,
    responses=problems(401, 403, 404, 409),
    openapi_extra=CASE,
)
async def simulate_response_policy(
    request: Request,
    caller: Manager,
    version: schemas.Version,
    body: simulation_schemas.SimulationRequest,
) -> Response:
    """模拟响应时限 What would have been late, escalated and supervised among the newest cases.

    Replays what really happened, beside the policy in force. Nothing changes.
    """
    state = request.app.state
    found = await simulating.run(
        state.db,
        caller,
        version,
        body,
        rules=await rules_of(request).current(),
        categories=state.categories,
        county=state.settings.county,
    )
    return json_answer(found)


@router.post(
    "/response-policies/{version}/publish",
    operation_id="publish_response_policy",
    response_model=schemas.PublishedPolicy,
    responses=problems(401, 403, 404, 409),
    openapi_extra=CASE,
)
async def publish_response_policy(
    request: Request,
    caller: Manager,
    asked: Asked,
    version: schemas.Version,
    body: schemas.PolicyPublication,
) -> Response:
    """发布响应时限 Put a draft in force, now or from a later time.

    Cases that run keep the version that they started under.
    """
    state = request.app.state
    rules = await rules_of(request).current()
    return await administer(
        request,
        caller,
        asked,
        lambda session: actions.publish(
            session,
            caller.account_id,
            version,
            body=body,
            rules=rules,
            county=state.settings.county,
        ),
    )


@router.post(
    "/response-policies/{version}/withdraw",
    operation_id="withdraw_response_policy",
    response_model=schemas.PolicyHead,
    responses=problems(401, 403, 404, 409),
    openapi_extra=CASE,
)
async def withdraw_response_policy(
    request: Request, caller: Manager, asked: Asked, version: schemas.Version
) -> Response:
    """撤回响应时限 Take back a published version that has not begun."""
    return await administer(
        request,
        caller,
        asked,
        lambda session: actions.withdraw(session, caller.account_id, version),
    )
