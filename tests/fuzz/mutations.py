"""Damage to a file's bytes, from a seeded generator."""

import random

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)
LENGTHS = (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)


def mutate(content: bytes, chance: random.Random) -> bytes:
    """One to four random damages, most of them where the headers and footers are."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        if not data:
            break
        chance.choice((_flip, _set, _cut_end, _cut_out, _double, _insert, _length, _digits))(data, chance)
    return bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    """Anywhere, but as a rule near the beginning or the end."""
    near = min(len(data), 400)
    where = chance.random()
    if where < 0.4:
        return chance.randrange(near)
    if where < 0.8:
        return len(data) - 1 - chance.randrange(near)
    return chance.randrange(len(data))


def _flip(data: bytearray, chance: random.Random) -> None:
    data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _set(data: bytearray, chance: random.Random) -> None:
    data[_place(data, chance)] = chance.choice(INTERESTING)


def _cut_end(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _cut_out(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    del data[start : start + chance.randint(1, 64)]


def _double(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    data[start:start] = data[start : start + chance.randint(1, 64)]


def _insert(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    data[start:start] = chance.randbytes(chance.randint(1, 16))


def _length(data: bytearray, chance: random.Random) -> None:
    """Eight bytes that some formats take for a length, either way round."""
    start = _place(data, chance)
    data[start : start + 8] = chance.choice(LENGTHS).to_bytes(8, chance.choice(("little", "big")))


def _digits(data: bytearray, chance: random.Random) -> None:
    """Digits of a text header become others."""
    places = [i for i, byte in enumerate(data[:400]) if chr(byte).isdigit()]
    for i in chance.sample(places, min(len(places), chance.randint(1, 5))):
        data[i] = ord(chance.choice("0123456789-e."))
