"""Rows of live conversations that a process keeps between its transactions, the longest unused forgotten first."""

from __future__ import annotations

from collections import OrderedDict

from bot.store.rows import Row, Values


class KeptRows:
    def __init__(self, most: int = 2048) -> None:
        self.most = most
        self.rows: OrderedDict[str, Row] = OrderedDict()
        self._ids: dict[Values, str] = {}

    def find(self, id: str) -> Row | None:
        if row := self.rows.get(id):
            self.rows.move_to_end(id)
        return row

    def at(self, address: Values) -> Row | None:
        """By channel, account, chat and thread."""
        id = self._ids.get(address)
        return None if id is None else self.find(id)

    def keep(self, row: Row) -> None:
        self.rows[row.id] = row
        self._ids[row.place] = row.id
        if len(self.rows) > self.most:
            self.drop(next(iter(self.rows)))

    def drop(self, id: str) -> None:
        if row := self.rows.pop(id, None):
            del self._ids[row.place]

    def forget(self) -> None:
        self.rows.clear()
        self._ids.clear()
