"""Removing events from the index, inside the transaction that removes their text from the log."""

from collections.abc import Sequence

from chatd.store.database import Database
from chatd.store.statements import chunks, placeholders


def forget_span(database: Database, room_id: str, first_seq: int, last_seq: int) -> None:
    """These events of a room are not found any more."""
    _forget(
        database,
        database.rows(
            f"""
            SELECT document_id
            FROM search_document
            WHERE room_id = ? AND seq >= ? AND seq <= ?
            ORDER BY document_id{database.for_update}
            """,
            (room_id, first_seq, last_seq),
        ),
    )


def forget_events(database: Database, places: Sequence[tuple[str, int]]) -> None:
    """These events, (room, seq), are not found any more."""
    hold = " FOR UPDATE OF search_document" if database.for_update else ""
    for chunk in chunks(places, columns=2):
        values, parameters = database.values("ti", chunk)
        _forget(
            database,
            database.rows(
                f"""
                WITH v(room_id, seq) AS ({values})
                SELECT search_document.document_id
                FROM v
                JOIN search_document ON search_document.room_id = v.room_id AND search_document.seq = v.seq
                ORDER BY search_document.document_id{hold}
                """,
                parameters,
            ),
        )


def _forget(database: Database, documents: Sequence[tuple[int]]) -> None:
    for chunk in chunks([number for (number,) in documents], columns=1):
        if database.engine == "sqlite":  # its index has no rows of its own, and is told what they were
            database.run(
                f"""
                INSERT INTO search_index (search_index, rowid, words)
                SELECT 'delete', document_id, words
                FROM search_document
                WHERE document_id IN ({placeholders(len(chunk))})
                """,
                chunk,
            )
        database.run(f"DELETE FROM search_document WHERE document_id IN ({placeholders(len(chunk))})", chunk)
