"""Writes OLE compound files: one storage, its streams one after the other."""

import struct
from collections.abc import Mapping

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SECTOR = 512
END, FREE, TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
SMALLEST = 4096
"""Streams below this would live in a smaller kind of sectors: ours are filled up instead."""


Storage = Mapping[str, "bytes | Storage"]


def compound(streams: Mapping[str, bytes], storages: Mapping[str, Storage] | None = None) -> bytes:
    """`storages` are folders, for formats that keep lists in them."""
    entries = _Entries()
    root = entries.add("Root Entry", 5)
    entries.fill(root, streams, storages or {})
    return entries.file()


class _Entries:
    def __init__(self) -> None:
        self.rows: list[dict[str, int | str]] = []
        self.contents: list[tuple[int, bytes]] = []

    def add(self, name: str, kind: int) -> int:
        self.rows.append(
            {"name": name, "kind": kind, "left": FREE, "right": FREE, "child": FREE, "start": END, "size": 0}
        )
        return len(self.rows) - 1

    def fill(self, holder: int, streams: Mapping[str, bytes], storages: Mapping[str, Storage]) -> None:
        names = sorted([*streams, *storages], key=lambda name: (len(name), name.upper()))
        numbers = {name: self.add(name, 2 if name in streams else 1) for name in names}
        self.rows[holder]["child"] = self._tree([numbers[name] for name in names])
        for name, content in streams.items():
            self.contents.append((numbers[name], content.ljust(SMALLEST, b"\x00")))
        for name, inner in storages.items():
            plain = {each: content for each, content in inner.items() if isinstance(content, bytes)}
            folders = {each: content for each, content in inner.items() if not isinstance(content, bytes)}
            self.fill(numbers[name], plain, folders)

    def _tree(self, numbers: list[int]) -> int:
        """Balanced, in the order of the names."""
        if not numbers:
            return FREE
        middle = len(numbers) // 2
        self.rows[numbers[middle]]["left"] = self._tree(numbers[:middle])
        self.rows[numbers[middle]]["right"] = self._tree(numbers[middle + 1 :])
        return numbers[middle]

    def file(self) -> bytes:
        sectors: list[bytes] = []
        chain: list[int] = []
        for number, content in self.contents:
            self.rows[number] |= {"start": len(sectors), "size": len(content)}
            _append(sectors, chain, content)
        directory = len(sectors)
        _append(sectors, chain, b"".join(map(_row, self.rows)))
        tables = -(-(len(sectors) + 4) * 4 // SECTOR)
        chain += [TABLE] * tables
        first = len(sectors)
        table = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * SECTOR, b"\xff")
        header = struct.pack(
            "<8s16xHHHHH6xIIIIIIIII", MAGIC, 62, 3, 0xFFFE, 9, 6, 0, tables, directory, 0, 4096, END, 0, END, 0
        )
        places = struct.pack(f"<{tables}I", *range(first, first + tables)).ljust(436, b"\xff")
        return header + places + b"".join(sectors) + table


def _append(sectors: list[bytes], chain: list[int], content: bytes) -> None:
    content += bytes(-len(content) % SECTOR)
    pieces = [content[place : place + SECTOR] for place in range(0, len(content), SECTOR)]
    chain += [*range(len(sectors) + 1, len(sectors) + len(pieces)), END]
    sectors += pieces


def _row(row: dict[str, int | str]) -> bytes:
    name = str(row["name"]).encode("utf-16-le") + b"\x00\x00"
    return struct.pack(
        "<64sHBBIII16xI8x8xIQ",
        name,
        len(name),
        row["kind"],
        1,
        row["left"],
        row["right"],
        row["child"],
        0,
        row["start"],
        row["size"],
    )
