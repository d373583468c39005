"""Which function does which kind of unit, and which answers which question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from bot import units
from bot.ports import Question
from bot.store import (
    accept,
    accounts,
    amend,
    answers,
    backlog,
    customers,
    drafts,
    knowledge,
    lists,
    people,
    published,
    sending,
    timers,
    turns,
    vault,
)
from bot.store.tx import Tx

R = TypeVar("R")

FUNCTIONS: Mapping[type, Callable[[Tx, Sequence[Any]], Sequence[Any]]] = {
    units.Accept: accept.accept,
    units.KeepDead: accept.keep_dead,
    units.Prune: accept.prune,
    units.Claim: turns.claim,
    units.Renew: turns.renew,
    units.Release: turns.release,
    units.Intend: turns.intend,
    units.Record: turns.record,
    units.Commit: turns.commit,
    units.Ring: timers.ring,
    units.Amend: amend.amend,
    units.SendClaim: sending.send_claim,
    units.Settle: sending.settle,
    units.PutAgent: accounts.put_agent,
    units.PutSignIn: accounts.put_sign_in,
    units.DropSignIns: accounts.drop_sign_ins,
    units.Publish: published.publish,
    units.Merge: people.merge,
    units.Unmerge: people.unmerge,
    units.PutIdentity: people.put_identity,
    units.IssueLink: people.issue_link,
    units.RedeemLink: people.redeem_link,
    units.PutDraft: drafts.put_draft,
    units.DropDraft: drafts.drop_draft,
    units.PutSecret: vault.put_secret,
    units.Hold: vault.hold,
    units.LetGo: vault.let_go,
    units.PutDocument: knowledge.put_document,
    units.DropDocument: knowledge.drop_document,
}
"""Each takes units of its kind, in order, and gives their results in the same order."""

_ANSWERS: Mapping[type, Callable[[Tx, Any], Any]] = {
    units.Unheard: answers.unheard,
    units.Log: answers.log,
    units.Find: answers.find,
    units.NextAlarm: timers.next_alarm,
    units.CustomerSlots: customers.customer_slots,
    units.Latest: lists.latest,
    units.Queue: lists.queue,
    units.CountViews: lists.count_views,
    units.ContactOf: lists.contact_of,
    units.FindAgent: accounts.find_agent,
    units.Agents: accounts.agents,
    units.FindSignIn: accounts.find_sign_in,
    units.RefOf: sending.ref_of,
    units.RefsOf: sending.refs_of,
    units.Deliveries: lists.deliveries,
    units.DeadLetters: lists.dead_letters,
    units.Backlog: backlog.backlog,
    units.Unsent: backlog.unsent,
    units.Published: published.published,
    units.Publication: published.publication,
    units.Standing: published.standing,
    units.Identities: people.identities,
    units.FindPeople: people.find_people,
    units.DraftOf: drafts.draft_of,
    units.Stranded: drafts.stranded,
    units.Secret: vault.secret,
    units.SecretNames: vault.secret_names,
    units.Documents: knowledge.documents,
    units.Candidates: knowledge.candidates,
}


def answer(tx: Tx, question: Question[R]) -> R:
    return cast(R, _ANSWERS[type(question)](tx, question))
