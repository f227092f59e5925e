"""FarmHash's fingerprint of one text, step after step: what the vectorised form is compared with."""

from __future__ import annotations

MASK = 2**64 - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def fingerprint(text: bytes) -> int:
    """BigQuery's FARM_FINGERPRINT, an INT64."""
    size = len(text)
    if size > 64:
        found = _long(text)
    elif size > 32:
        found = _to_64(text)
    elif size > 16:
        found = _join(*_ends(text, _word(text, 0) * K1), K2 + size * 2)
    else:
        found = _to_16(text)
    return found - 2**64 if found >= 2**63 else found


def _word(text: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(text[at : at + size], "little")


def _rotate(value: int, by: int) -> int:
    value &= MASK
    return value >> by | value << (64 - by) & MASK


def _mix(value: int) -> int:
    value &= MASK
    return value ^ value >> 47


def _join(u: int, v: int, factor: int) -> int:
    u, v = u & MASK, v & MASK
    return _mix((v ^ _mix((u ^ v) * factor)) * factor) * factor & MASK


def _to_16(text: bytes) -> int:
    size = len(text)
    factor = K2 + size * 2
    if size == 0:
        return K2
    if size < 4:
        y = text[0] + (text[size >> 1] << 8)
        z = size + (text[-1] << 2)
        return _mix(y * K2 ^ z * K0) * K2 & MASK
    if size < 8:
        return _join(size + (_word(text, 0, 4) << 3), _word(text, size - 4, 4), factor)
    a, b = _word(text, 0) + K2, _word(text, size - 8)
    return _join(_rotate(b, 37) * factor + a, (_rotate(a, 25) + b) * factor, factor)


def _ends(text: bytes, a: int) -> tuple[int, int]:
    size = len(text)
    b, c, d = _word(text, 8), _word(text, size - 8) * (K2 + size * 2), _word(text, size - 16) * K2
    return _rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + K2, 18) + c


def _to_64(text: bytes) -> int:
    size = len(text)
    factor, a = K2 + size * 2, _word(text, 0) * K2
    y, rest = _ends(text, a)
    z = _join(y, rest, factor)
    e, f = _word(text, 16) * factor, _word(text, 24)
    g, h = (y + _word(text, size - 32)) * factor, (z + _word(text, size - 24)) * factor
    return _join(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, factor)


def _weak(text: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(text, at + place) for place in (0, 8, 16, 24))
    a += w
    b = _rotate(b + a + z, 21)
    c = a
    a += x + y
    return a + z & MASK, b + _rotate(a, 44) + c & MASK


def _long(text: bytes) -> int:
    size = len(text)
    y = 81 * K1 + 113
    z = _mix(y * K2 + 113) * K2
    x = 81 * K2 + _word(text, 0)
    v = w = (0, 0)
    for at in range(0, (size - 1) // 64 * 64, 64):
        x = _rotate(x + y + v[0] + _word(text, at + 8), 37) * K1
        y = _rotate(y + v[1] + _word(text, at + 48), 42) * K1
        x = (x ^ w[1]) & MASK
        y += v[0] + _word(text, at + 40)
        z = _rotate(z + w[0], 33) * K1 & MASK
        v = _weak(text, at, v[1] * K1, x + w[0])
        w = _weak(text, at + 32, z + w[1], y + _word(text, at + 16))
        x, z = z, x
    at, factor = size - 64, K1 + ((z & 255) << 1)
    w = w[0] + (size - 1) % 64, w[1]
    v = v[0] + w[0], v[1]
    w = w[0] + v[0], w[1]
    x = _rotate(x + y + v[0] + _word(text, at + 8), 37) * factor
    y = _rotate(y + v[1] + _word(text, at + 48), 42) * factor
    x = (x ^ w[1] * 9) & MASK
    y += v[0] * 9 + _word(text, at + 40)
    z = _rotate(z + w[0], 33) * factor
    v = _weak(text, at, v[1] * factor, x + w[0])
    w = _weak(text, at + 32, z + w[1], y + _word(text, at + 16))
    x, z = z, x
    return _join(_join(v[0], w[0], factor) + _mix(y) * K0 + z, _join(v[1], w[1], factor) + x, factor)
