"""What a model is told, and what its tool calls and citations mean."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.llm.prompt import HISTORY, LINE, Citations, called, command, messages, tools
from bot.model import Passage
from bot.ports import Ask, Called, Candidate, Line, Told, Tool

PASSAGE = Passage(document="r.md", title="Refunds", heading="Cards", text="3 days.")
ASK = Ask(instructions="You are Ada.", words="How long?", history=(), language="fr")
FULL = replace(
    ASK,
    passages=(PASSAGE,),
    flows=(Candidate(flow="return", about="Send back.", examples=("send it back",), slots=("order",)),),
    flow="buy",
    question="Which size?",
    slots={"size": "The size"},
    instruction="Refund approved.",
)


def _system(ask: Ask) -> str:
    return str(messages(ask)[0]["content"])


def _data(ask: Ask) -> object:
    return json.loads(_system(ask).partition("Data:\n")[2])


def test_the_rules_come_first_and_the_words_last() -> None:
    past = (Line(by="customer", text="Hi"), Line(by="bot", text="Hello!"), Line(by="agent", text="Ben here."))
    first, *rest = messages(replace(ASK, history=past))
    assert str(first["content"]).startswith("You are Ada.\n\nYou write to a customer")
    assert rest == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "assistant", "content": "(A person of our team:) Ben here."},
        {"role": "user", "content": "How long?"},
    ]


def test_what_is_known_of_the_turn_is_data() -> None:
    assert _data(FULL) == {
        "sources": [{"number": 1, "title": "Refunds", "heading": "Cards", "text": "3 days."}],
        "from_your_colleague": "Refund approved.",
        "in_progress": "buy",
        "question_asked": "Which size?",
        "slots": {"size": "The size"},
    }


def test_without_sources_no_facts_may_be_stated() -> None:
    assert "State no facts" in _system(ASK)
    assert "State no facts" not in _system(FULL)


@given(st.text())
def test_a_document_cannot_leave_its_place(text: str) -> None:
    ask = replace(ASK, passages=(replace(PASSAGE, text=text),))
    assert _data(ask) == {"sources": [{"number": 1, "title": "Refunds", "heading": "Cards", "text": text}]}
    assert _system(ask).partition("Data:\n")[0] == _system(FULL).partition("Data:\n")[0]


def test_a_long_past_is_shortened_from_its_beginning() -> None:
    past = tuple(Line(by="customer", text=f"{number} " + "a" * 3_000) for number in range(20))
    shown = [str(message["content"]) for message in messages(replace(ASK, history=past))[1:-1]]
    assert [text.split()[0] for text in shown] == [str(number) for number in range(14, 20)]
    assert all(len(text) == LINE + 1 for text in shown)
    assert sum(map(len, shown)) <= HISTORY + 6


def test_only_what_is_granted_is_a_tool() -> None:
    def names(ask: Ask) -> list[object]:
        return [json.loads(json.dumps(tool))["function"]["name"] for tool in tools(ask)]

    assert names(ASK) == ["human", "lookup"]
    assert names(FULL) == ["human", "lookup", "start_flow", "set_slot", "cancel"]


@given(st.sampled_from(["start_flow", "set_slot", "cancel", "lookup", "human", "other"]), st.text())
def test_any_call_is_a_command_or_none(name: str, arguments: str) -> None:
    command(name, arguments)


@given(st.data())
def test_citations_do_not_depend_on_how_a_text_is_cut(data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from("a [1],239]( !\t."), max_size=30))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    whole, cut = Citations([PASSAGE] * 3), Citations([PASSAGE] * 3)
    pieces = [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert whole.feed(text) + whole.end() == "".join(map(cut.feed, pieces)) + cut.end()
    assert whole.cited == cut.cited


def test_where_the_model_leads_it_knows_its_task_and_what_its_tools_gave() -> None:
    call = Called("price_of", {"item": "boots"})
    leading = replace(ASK, task="Agree on a plan.", tools=(Tool(name="price_of", about="The price."),))
    said = messages(replace(leading, told=(Told(call, 20), Told(call, error="no answer"))))
    assert "Your task now, given by the business: Agree on a plan." in str(said[0]["content"])
    assert [message["role"] for message in said] == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert [message.get("content") for message in said if message["role"] == "tool"] == [
        '{"result": 20}',
        '{"error": "no answer"}',
    ]
    assert "action_price_of" in json.dumps(tools(leading))


def test_before_the_customer_has_said_anything_nothing_stands_for_their_words() -> None:
    assert [message["role"] for message in messages(replace(ASK, task="Agree.", words=""))] == ["system"]


def test_only_a_tool_that_was_granted_is_called() -> None:
    leading = replace(ASK, tools=(Tool(name="price_of"),))
    assert called("action_price_of", '{"item": "boots"}', leading) == Called("price_of", {"item": "boots"})
    assert called("action_refund", "{}", leading) is None
    assert called("price_of", "{}", leading) is None
    assert called("action_price_of", "[1]", leading) is None
    assert called("action_price_of", "{", leading) is None


@given(name=st.text(), arguments=st.text())
def test_no_call_of_a_tool_raises(name: str, arguments: str) -> None:
    called(f"action_{name}", arguments, replace(ASK, tools=(Tool(name=name),)))


def test_a_text_to_restyle_is_data_and_grants_nothing() -> None:
    restyled = replace(FULL, restyle="It is here.")
    (system, words) = messages(restyled)
    assert str(system["content"]).endswith('Data:\n{"text": "It is here."}')
    assert (words["content"], tools(restyled)) == ("How long?", [])
