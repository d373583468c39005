"""`/api/console/...`: what an agent reads, and the commands that the desk carries out.

Every route names its rule, `anyone` or `agent`; a route without one cannot be made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from msgspec.structs import replace
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Message

from bot.clean import clean
from bot.desk import Desk, author
from bot.errors import ControlMoved, NewerEvents, NotFound, Refusal, StoreDown
from bot.model import ContactId, ConversationId, Frame, Json, State
from bot.ports import Random, Store
from bot.units import (
    Amended,
    ContactOf,
    CountViews,
    Deliveries,
    Find,
    FindPeople,
    Found,
    Identities,
    Log,
    Merge,
    Queue,
    Unmerge,
)
from channels.console import frames
from channels.console.bodies import (
    ConsoleEvent,
    ConsoleHandBack,
    ConsoleMerge,
    ConsoleNote,
    ConsoleReply,
    ConsoleResolve,
    ConsoleRevise,
    ConsoleSignIn,
    ConsoleTakeOver,
    ConsoleUnmerge,
    ConsoleWithdraw,
    Number,
)
from channels.console.files import ConversationFiles
from channels.console.gate import Gate
from channels.console.live import Live
from channels.console.problems import FILE, SECURITY, Denied, answer, answers, problem
from channels.console.rows import find_row, nameless, show
from channels.console.sign_in import Present

log = structlog.get_logger()

PAGE = 200
MOST_BODY = 64 * 1024
UPLOAD = "console_upload"
"""The one route whose body is streamed; it caps it by itself."""

_CURSOR = "^[!-~]{1,100}$"

IsPrivate = Callable[[str, str], bool]
"""(flow, slot): whether the slot is declared `pii`. The flow is empty for a slot of the conversation."""

Seq = Annotated[int, Path(ge=1, le=2**53 - 1)]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Key = Annotated[UUID, Header(alias="Idempotency-Key", description="A repeat under the same key changes nothing.")]


def routes(
    *,
    store: Store,
    desk: Desk,
    live: Live,
    gate: Gate,
    random: Random,
    brand: str,
    is_private: IsPrivate,
    files: ConversationFiles,
) -> APIRouter:
    router = APIRouter(prefix="/api/console", tags=["console"], route_class=_route(gate, random))
    anyone, agent = Depends(gate.anyone), Depends(gate.agent)

    # Signing in and out

    @router.post(
        "/sign-in", operation_id="console_sign_in", responses=answers("Me", 400, 401, 413, 429), dependencies=[anyone]
    )
    async def sign_in(request: Request, body: ConsoleSignIn) -> Response:
        address = request.client.host if request.client else ""
        token, present = await gate.sign_ins.begin(body.email, body.password, address)
        if before := await gate.sign_ins.find(gate.token(request), seen=False):
            await _end(before)
        response = answer(_me(present))
        gate.set_cookie(request, response, token)
        return response

    @router.post("/sign-out", operation_id="console_sign_out", status_code=204, responses=answers(None, 401))
    async def sign_out(request: Request, present: Present = agent) -> Response:
        await _end(present)
        response = Response(status_code=204)
        gate.delete_cookie(request, response)
        return response

    @router.get("/me", operation_id="console_me", responses=answers("Me", 401))
    async def me(present: Present = agent) -> Response:
        return answer(_me(present))

    async def _end(present: Present) -> None:
        await gate.sign_ins.end(present.sign_in.digest)
        live.sign_out(present.sign_in.digest)

    def _me(present: Present) -> frames.Me:
        who = present.agent
        return frames.Me(who.id, who.name, who.email, who.role, present.sign_in.csrf, brand)

    # Reading

    @router.get("/views", operation_id="console_views", responses=answers("Counts", 401))
    async def views(present: Present = agent) -> Response:
        return answer(frames.Counts(await store.read(CountViews(present.agent.id))))

    @router.get("/conversations", operation_id="console_conversations", responses=answers("Rows", 401))
    async def conversations(
        present: Present = agent,
        view: frames.View = "all",
        q: Annotated[str, Query(max_length=200, description="Searched in names and last words.")] = "",
        cursor: Annotated[str | None, Query(pattern=_CURSOR, description="`next` of the page before.")] = None,
        most: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Response:
        search = clean(q).strip()
        asked = Queue(view=view, agent=present.agent.id, most=most, cursor=cursor, search=search)
        try:
            page = await store.read(asked)
        except (ValueError, OverflowError) as error:
            raise Denied(422, "invalid", "Not understood: query.cursor. Load the list again.") from error
        return answer(frames.Rows(tuple(map(show, page.rows)), page.next))

    @router.get(
        "/conversations/{conversation}", operation_id="console_conversation", responses=answers("Detail", 401, 404)
    )
    async def conversation(conversation: Id, present: Present = agent) -> Response:
        id = ConversationId(conversation)
        found, row = await _found(id), await _row(id)
        card = await store.read(ContactOf(id))
        events = await store.read(Log(conversation=id, most=PAGE, latest=True))
        draft = live.draft(id)
        return answer(
            frames.Detail(
                row=row,
                customer=frames.Customer(
                    name=row.customer,
                    channel=row.channel,
                    language=row.language,
                    first_seen=card.created_at if card else found.conversation.created_at,
                    conversations=card.conversations if card else 1,
                    facts={},
                ),
                stack=tuple(_masked(frame, is_private) for frame in found.state.stack),
                slots=tuple(_slots(found.state, is_private)),
                events=events,
                more=bool(events) and events[0].seq > 1,
                draft=frames.DraftText(draft.turn, draft.attempt, draft.text) if draft else None,
                can=tuple(sorted(desk.changes(found.conversation.address))),
            )
        )

    @router.get(
        "/conversations/{conversation}/events", operation_id="console_events", responses=answers("Events", 401, 404)
    )
    async def events(
        conversation: Id,
        present: Present = agent,
        after: Annotated[Number | None, Query(description="Oldest first from here on.")] = None,
        before: Annotated[Number | None, Query(description="The latest ones before this seq.")] = None,
        most: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
    ) -> Response:
        """Without `after`, the latest ones."""
        id = ConversationId(conversation)
        await _found(id)
        backwards = after is None
        log = Log(conversation=id, after=after or 0, before=before, most=most + 1, latest=backwards)
        found = await store.read(log)
        more = len(found) > most
        page = found[1:] if more and backwards else found[:most]
        edge = (page[0] if backwards else page[-1]).seq if more else None
        return answer(frames.Events(page, edge))

    @router.get(
        "/conversations/{conversation}/identities",
        operation_id="console_identities",
        responses=answers("Identities", 401, 404),
    )
    async def identities(conversation: Id, present: Present = agent) -> Response:
        found = await _found(ConversationId(conversation))
        return await _identities(found.conversation.contact)

    @router.get(
        "/conversations/{conversation}/files/{seq}/{part}",
        operation_id="console_file",
        response_class=Response,
        responses=FILE | answers(None, 401, 404, 413),
    )
    async def file(
        conversation: Id,
        seq: Annotated[Number, Path(description="Of the event that it came with.")],
        part: Annotated[int, Path(ge=0, le=1000, description="Which part of the message, from 0.")],
        range: Annotated[str, Header(max_length=100)] = "",
        present: Present = agent,
    ) -> Response:
        """A file of a message: pictures to be shown in place, everything else to be saved."""
        found = await _found(ConversationId(conversation))
        return await files.show(found.conversation, seq, part, range=range)

    @router.get("/contacts", operation_id="console_people", responses=answers("People", 401))
    async def people(
        q: Annotated[str, Query(min_length=2, max_length=200, description="In a name or a platform's id.")],
        present: Present = agent,
    ) -> Response:
        """Customers who may be the same person."""
        found = await store.read(FindPeople(search=clean(q)))
        views = (
            frames.PersonView(each.contact, each.name or nameless(each.contact), each.conversations, each.identities)
            for each in found
        )
        return answer(frames.People(tuple(views)))

    # Commands

    @router.post(
        "/contacts/{contact}/merge",
        operation_id="console_merge",
        responses=answers("Identities", 400, 401, 404, 413),
    )
    async def merge(contact: Id, body: ConsoleMerge, present: Present = agent) -> Response:
        """The other contact's identities and conversations are this one's from now on; every log stays as it is."""
        into = ContactId(contact)
        if not await store.write(Merge(into, ContactId(body.contact))):
            raise Denied(404, "not_found", "One of these contacts does not exist.")
        log.info("console.merged", agent=present.agent.id, into=into, contact=body.contact)
        return await _identities(into)

    @router.post(
        "/contacts/unmerge",
        operation_id="console_unmerge",
        responses=answers("Identities", 400, 401, 404, 413),
    )
    async def unmerge(body: ConsoleUnmerge, present: Present = agent) -> Response:
        """The identity goes back to the contact it had, with the conversations it began."""
        origin = await store.write(Unmerge(body.channel, body.external))
        if origin is None:
            raise Denied(404, "not_found", "This identity was never merged.")
        log.info("console.unmerged", agent=present.agent.id, contact=origin)
        return await _identities(origin)

    @router.post(
        "/conversations/{conversation}/take-over",
        operation_id="console_take_over",
        responses=answers("Done", 400, 401, 404, 409, 413),
    )
    async def take_over(conversation: Id, body: ConsoleTakeOver, key: Key, present: Present = agent) -> Response:
        id = ConversationId(conversation)
        return await _done(id, desk.take_over(id, present.agent, body.epoch, key=str(key)))

    @router.post(
        "/conversations/{conversation}/reply",
        operation_id="console_reply",
        responses=answers("Done", 400, 401, 404, 409, 413),
    )
    async def reply(conversation: Id, body: ConsoleReply, key: Key, present: Present = agent) -> Response:
        id = ConversationId(conversation)
        call = desk.reply(
            id,
            present.agent,
            body.text,
            seen=body.seen,
            epoch=body.epoch,
            key=str(key),
            claim=body.claim,
            reply_to=body.reply_to,
            files=await files.attached(body.files),
        )
        return await _done(id, call)

    @router.post(
        "/conversations/{conversation}/messages/{seq}/revise",
        operation_id="console_revise",
        responses=answers("Done", 400, 401, 404, 409, 413, 422),
    )
    async def revise(conversation: Id, seq: Seq, body: ConsoleRevise, key: Key, present: Present = agent) -> Response:
        """Write one of one's own messages anew. A channel that cannot edit gets a correction."""
        id = ConversationId(conversation)
        return await _done(id, desk.revise(id, present.agent, seq, body.text, key=str(key)))

    @router.post(
        "/conversations/{conversation}/messages/{seq}/withdraw",
        operation_id="console_withdraw",
        responses=answers("Done", 400, 401, 404, 413, 422),
    )
    async def withdraw(
        conversation: Id, seq: Seq, body: ConsoleWithdraw, key: Key, present: Present = agent
    ) -> Response:
        """Take one of one's own messages back, where the channel can."""
        id = ConversationId(conversation)
        return await _done(id, desk.withdraw(id, present.agent, seq, key=str(key)))

    @router.post(
        "/conversations/{conversation}/files",
        operation_id=UPLOAD,
        responses=answers("Uploaded", 401, 404, 408, 413, 415),
        openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}, "required": True}},
    )
    async def upload(
        request: Request,
        conversation: Id,
        name: Annotated[str, Query(max_length=255, description="Of the file.")] = "",
        present: Present = agent,
    ) -> Response:
        """Keep a file that is to go with a reply; nothing is said yet."""
        await _found(ConversationId(conversation))
        return answer(await files.take(request, name))

    @router.post(
        "/conversations/{conversation}/note",
        operation_id="console_note",
        responses=answers("Done", 400, 401, 404, 409, 413),
    )
    async def note(conversation: Id, body: ConsoleNote, key: Key, present: Present = agent) -> Response:
        id = ConversationId(conversation)
        return await _done(id, desk.note(id, present.agent, body.text, key=str(key)))

    @router.post(
        "/conversations/{conversation}/hand-back",
        operation_id="console_hand_back",
        responses=answers("Done", 400, 401, 404, 409, 413),
    )
    async def hand_back(conversation: Id, body: ConsoleHandBack, key: Key, present: Present = agent) -> Response:
        id = ConversationId(conversation)
        call = desk.hand_back(
            id,
            present.agent,
            body.epoch,
            how=body.how,
            instruction=body.instruction,
            verdict=body.verdict,
            step=body.step,
            key=str(key),
        )
        return await _done(id, call)

    @router.post(
        "/conversations/{conversation}/resolve",
        operation_id="console_resolve",
        responses=answers("Done", 400, 401, 404, 409, 413),
    )
    async def resolve(conversation: Id, body: ConsoleResolve, key: Key, present: Present = agent) -> Response:
        id = ConversationId(conversation)
        return await _done(id, desk.resolve(id, present.agent, body.epoch, reason=body.reason, key=str(key)))

    @router.post(
        "/conversations/{conversation}/events",
        operation_id="console_event",
        responses=answers("Done", 400, 401, 404, 413),
    )
    async def event(conversation: Id, body: ConsoleEvent, present: Present = agent) -> Response:
        """Tell the flows that something happened: a `wait` for the event of this name goes on."""
        id, by = ConversationId(conversation), author(present.agent)
        return await _done(id, desk.signal(id, body.name, body.value, ref=body.ref, by=by))

    async def _done(id: ConversationId, call: Awaitable[Amended]) -> Response:
        try:
            amended = await call
        except ControlMoved as moved:
            raise Denied(409, "control", _who_has_it(moved), row=await _row(id)) from moved
        except NewerEvents as newer:
            text = "Something was said that you have not seen. Read it, then send again."
            raise Denied(409, "newer", text, events=newer.events) from newer
        seq = amended.events[-1].seq if amended.events else amended.conversation.last_seq
        return answer(frames.Done(await _row(id), seq, await _seq_in_flight(id, amended)))

    async def _seq_in_flight(id: ConversationId, amended: Amended) -> int | None:
        if amended.in_flight is None:
            return None
        seqs = (seq for delivery, seq, *_ in await store.read(Deliveries(id)) if delivery == amended.in_flight)
        return next(seqs, None)

    async def _identities(contact: ContactId) -> Response:
        found = await store.read(Identities(contact))
        items = tuple(
            frames.IdentityView(each.channel, each.external, each.language, each.zone, each.merged) for each in found
        )
        return answer(frames.Identities(contact, items))

    async def _found(id: ConversationId) -> Found:
        found = await store.read(Find(id))
        if found is None:
            raise NotFound(f"there is no conversation {id!r}")
        return found

    async def _row(id: ConversationId) -> frames.Row:
        found = await find_row(store, id)
        if found is None:
            raise NotFound(f"there is no conversation {id!r}")
        return show(found)

    # Whatever else is asked for below this prefix

    @router.api_route(
        "/{path:path}",
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        include_in_schema=False,
        dependencies=[anyone],
    )
    async def unknown(request: Request) -> Response:
        paths = (route for route in router.routes[:-1] if route.matches(request.scope)[0] is Match.PARTIAL)
        if allowed := sorted({method for route in paths for method in getattr(route, "methods", ())}):
            raise Denied(405, "invalid", f"This address takes {', '.join(allowed)} only.")
        raise Denied(404, "not_found", "There is nothing at this address.")

    return router


def _who_has_it(moved: ControlMoved) -> str:
    control = moved.control
    match control.state:
        case "human" | "wrap_up" | "offered":
            return f"{control.holder_name} has this conversation. Your text was not sent."
        case "bot":
            return "The bot has this conversation. Take over to speak."
        case "queued":
            return "Nobody has taken this conversation yet. Take over to speak."
        case "paused":
            return "This conversation is paused. Nobody can speak in it now."


def _slots(state: State, is_private: IsPrivate) -> Iterator[frames.SlotView]:
    for name, value in state.slots.items():
        yield frames.SlotView("", name, _shown(value, is_private("", name)))
    for frame in state.stack:
        for name, value in frame.slots.items():
            yield frames.SlotView(frame.flow, name, _shown(value, is_private(frame.flow, name)))


def _masked(frame: Frame, is_private: IsPrivate) -> Frame:
    slots = {name: _shown(value, is_private(frame.flow, name)) for name, value in frame.slots.items()}
    return replace(frame, slots=slots)


def _shown(value: Json, private: bool) -> Json:
    """Enough to recognise it by, and no more."""
    if not private or value is None:
        return value
    text = str(value)
    return "•" * 6 + (text[-2:] if len(text) >= 6 else "")


# How every route of this door answers


def _route(gate: Gate, random: Random) -> type[APIRoute]:
    rules = {gate.anyone, gate.agent}

    class Route(APIRoute):
        """Refuses as `frames.Problem`, reads no more of a body than it may hold, and denies what has no rule."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            if rules.isdisjoint(_calls(self.dependant)):
                raise TypeError(f"the route {self.path!r} does not say who may ask")
            handle = super().get_route_handler()

            async def answered(request: Request) -> Response:
                request_id = random.id()
                try:
                    streams = self.operation_id == UPLOAD
                    response = await handle(request if streams else await _capped(request))
                except Exception as error:
                    denied = _denied(error)
                    if denied is None:
                        raise
                    response = problem(denied, request_id)
                for name, value in SECURITY.items():
                    response.headers.setdefault(name, value)
                response.headers["Cache-Control"] = "no-store"
                response.headers["X-Request-Id"] = request_id
                return response

            return answered

    return Route


def _calls(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def _denied(error: Exception) -> Denied | None:
    match error:
        case Denied():
            return error
        case NotFound():
            return Denied(404, "not_found", "There is no such conversation.")
        case Refusal():
            return Denied(422, "invalid", f"Not done: {error}.")
        case StoreDown():
            return Denied(503, "unavailable", "The store does not answer. Try again in a moment.", wait=1.0)
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return Denied(error.status_code, "invalid", f"{error.detail}.")
        case ClientDisconnect():
            return Denied(400, "invalid", "The request was cut off.")
        case _:
            return None


def _invalid(error: RequestValidationError) -> Denied:
    places = [tuple(map(str, one["loc"])) for one in error.errors()]
    if any(place[:1] == ("path",) for place in places):
        return Denied(404, "not_found", "There is no such conversation.")
    # What was sent is not repeated: it may be long, secret or not even text.
    wrong = "; ".join(f"{'.'.join(place)}: {one['msg']}" for place, one in zip(places, error.errors(), strict=True))
    return Denied(422, "invalid", f"Not understood: {clean(wrong)[:500]}.")


async def _capped(request: Request) -> Request:
    """The same request with its body read. Raises `Denied` for one that is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise Denied(413, "invalid", f"The request has more than {MOST_BODY} bytes.")
    whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def receive() -> Message:
        return whole.pop() if whole else await request.receive()

    return Request(request.scope, receive)
