"""The lines of the queue: from the store's rows to what the console shows."""

from __future__ import annotations

from bot.model import AgentId, ContactId, ConversationId
from bot.ports import Store
from bot.units import Queue, QueueRow
from channels.console.frames import Row, View

TEXT_CHARACTERS = 140


async def find_row(store: Store, conversation: ConversationId) -> QueueRow | None:
    for view in ("all", "resolved"):
        page = await store.read(Queue(view=view, agent=AgentId(""), most=1, conversation=conversation))
        if page.rows:
            return page.rows[0]
    return None


def nameless(contact: ContactId) -> str:
    """The end of an id is random, its start is a time."""
    return f"Visitor {contact[-4:]}"


def show(found: QueueRow) -> Row:
    conversation = found.conversation
    return Row(
        id=conversation.id,
        channel=conversation.address.channel,
        customer=found.customer or nameless(conversation.contact),
        language=conversation.language,
        control=conversation.control,
        status=conversation.status,
        reason=found.reason,
        note=found.note,
        priority=found.priority,
        last_by=found.last_by,
        last_text=found.last_text[:TEXT_CHARACTERS],
        last_at=found.last_at,
        waiting_since=found.waiting_since,
        unread=found.unread,
        last_seq=conversation.last_seq,
    )


def views(found: QueueRow, agent: AgentId) -> tuple[View, ...]:
    """The views it belongs to for this agent; the same rules as the store's (`bot.units.Queue`)."""
    conversation, control = found.conversation, found.conversation.control
    belongs: dict[View, bool] = {
        "needs-reply": found.waiting_since is not None,
        "mine": control.state in ("offered", "human", "wrap_up") and control.holder == agent,
        "unassigned": control.state in ("queued", "offered"),
        "bot": conversation.status == "open" and control.state == "bot",
        "resolved": conversation.status == "resolved",
        "all": conversation.status == "open",
    }
    return tuple(view for view, yes in belongs.items() if yes)
