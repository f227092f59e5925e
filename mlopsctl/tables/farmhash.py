"""FarmHash's ``Fingerprint64``, which BigQuery calls ``FARM_FINGERPRINT``, of many texts at once.

NumPy's unsigned 64-bit arithmetic wraps as the hash wants it, so each line below works on all texts of one class of
lengths together. A plain form for one text stands beside the tests; vectors in ``tests/vectors/farm_fingerprint.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words: TypeAlias = NDArray[np.uint64]
    Places: TypeAlias = NDArray[np.int64]
    Pair: TypeAlias = tuple[Words, Words]

_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F
_SEED = 81
_BLOCK = 64


def fingerprints(data: NDArray[np.uint8], starts: Places, sizes: Places) -> Words:
    """The fingerprints of texts that stand in one buffer, as unsigned numbers; as INT64 they are BigQuery's.

    Args:
        data: the bytes of all texts.
        starts, sizes: where each text begins in ``data``, and how many bytes it has.
    """
    import numpy as np

    found = np.full(len(sizes), _K2, dtype=np.uint64)  # the fingerprint of the empty text
    texts = _Texts(data)
    bounds = [(1, _tiny), (4, _small), (8, _short), (17, _medium), (33, _long), (_BLOCK + 1, _longest)]
    # Each class of lengths ends where the next begins.
    classes = np.searchsorted([low for low, _ in bounds], sizes, side="right")
    for number, (_, method) in enumerate(bounds, start=1):
        chosen = np.flatnonzero(classes == number)
        if len(chosen):
            found[chosen] = method(texts, starts[chosen], sizes[chosen])
    return found


class _Texts:
    """Reads little-endian numbers at any byte."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        import numpy as np

        self.bytes = np.concatenate([data, np.zeros(8, dtype=np.uint8)])
        self._words = np.ndarray((len(data) + 1,), dtype="<u8", buffer=self.bytes, strides=(1,))

    def word(self, at: Places) -> Words:
        return self._words[at]

    def half(self, at: Places) -> Words:
        """Four bytes as a number."""
        return self._words[at] & _word(0xFFFFFFFF)

    def byte(self, at: Places) -> Words:
        return self._words[at] & _word(0xFF)


def _word(number: int) -> np.uint64:
    import numpy as np

    return np.uint64(number)


def _rotate(value: Words, by: int) -> Words:
    return (value >> _word(by)) | (value << _word(64 - by))


def _mix(value: Words) -> Words:
    return value ^ (value >> _word(47))


def _join(u: Words, v: Words, factor: Words) -> Words:
    """Two words into one."""
    a = _mix((u ^ v) * factor)
    return _mix((v ^ a) * factor) * factor


def _factor(sizes: Places) -> Words:
    import numpy as np

    return _word(_K2) + sizes.astype(np.uint64) * _word(2)


def _tiny(texts: _Texts, starts: Places, sizes: Places) -> Words:
    """1 to 3 bytes."""
    import numpy as np

    y = texts.byte(starts) + (texts.byte(starts + (sizes >> 1)) << _word(8))
    z = sizes.astype(np.uint64) + (texts.byte(starts + sizes - 1) << _word(2))
    return _mix((y * _word(_K2)) ^ (z * _word(_K0))) * _word(_K2)


def _small(texts: _Texts, starts: Places, sizes: Places) -> Words:
    """4 to 7 bytes."""
    import numpy as np

    first = sizes.astype(np.uint64) + (texts.half(starts) << _word(3))
    return _join(first, texts.half(starts + sizes - 4), _factor(sizes))


def _short(texts: _Texts, starts: Places, sizes: Places) -> Words:
    """8 to 16 bytes."""
    factor = _factor(sizes)
    a, b = texts.word(starts) + _word(_K2), texts.word(starts + sizes - 8)
    return _join(_rotate(b, 37) * factor + a, (_rotate(a, 25) + b) * factor, factor)


def _medium(texts: _Texts, starts: Places, sizes: Places) -> Words:
    """17 to 32 bytes."""
    factor = _factor(sizes)
    return _join(*_ends(texts, starts, sizes, texts.word(starts) * _word(_K1)), factor)


def _long(texts: _Texts, starts: Places, sizes: Places) -> Words:
    """33 to 64 bytes."""
    factor = _factor(sizes)
    a, end = texts.word(starts) * _word(_K2), starts + sizes
    y, rest = _ends(texts, starts, sizes, a)
    z = _join(y, rest, factor)
    e, f = texts.word(starts + 16) * factor, texts.word(starts + 24)
    g, h = (y + texts.word(end - 32)) * factor, (z + texts.word(end - 24)) * factor
    return _join(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, factor)


def _ends(texts: _Texts, starts: Places, sizes: Places, a: Words) -> Pair:
    """Two words of the first 16 bytes, of which ``a`` is made of the first 8, and of the last 16."""
    end = starts + sizes
    b, c, d = texts.word(starts + 8), texts.word(end - 8) * _factor(sizes), texts.word(end - 16) * _word(_K2)
    return _rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _word(_K2), 18) + c


def _longest(texts: _Texts, starts: Places, sizes: Places) -> Words:
    """More than 64 bytes: whole blocks first, then the last 64 bytes once more."""
    import numpy as np

    # The longest first: those that still have a block stand in front.
    order = np.argsort(-sizes, kind="stable")
    starts, sizes = starts[order], sizes[order]
    blocks = (sizes - 1) // _BLOCK
    state = _State(texts, starts)
    for number in range(int(blocks[0])):
        state.block(int(np.searchsorted(-blocks, -number, side="left")), starts + number * _BLOCK)
    found = np.empty(len(sizes), dtype=np.uint64)
    found[order] = state.end(starts, sizes)
    return found


class _State:
    """What the blocks of each text leave for the next: x, y, z, and the pairs v and w."""

    def __init__(self, texts: _Texts, starts: Places) -> None:
        import numpy as np

        self._texts = texts
        many = len(starts)
        zero = np.zeros(many, dtype=np.uint64)
        y = zero + _word((_SEED * _K1 + 113) % 2**64)
        self._x = _word(_SEED * _K2 % 2**64) + texts.word(starts)
        self._y, self._z = y, _mix(y * _word(_K2) + _word(113)) * _word(_K2)
        self._v, self._w = (zero.copy(), zero.copy()), (zero.copy(), zero.copy())

    def block(self, many: int, at: Places) -> None:
        """Take a block of the first ``many`` texts."""
        x, y, z, v, w = self._first(many)
        at, read = at[:many], self._texts.word
        factor = _word(_K1)
        x = _rotate(x + y + v[0] + read(at + 8), 37) * factor
        y = _rotate(y + v[1] + read(at + 48), 42) * factor
        x ^= w[1]
        y += v[0] + read(at + 40)
        z = _rotate(z + w[0], 33) * factor
        self._keep(
            many, z, y, x, self._weak(at, v[1] * factor, x + w[0]), self._weak(at + 32, z + w[1], y + read(at + 16))
        )

    def end(self, starts: Places, sizes: Places) -> Words:
        """Take the last 64 bytes, and make one word of all."""
        import numpy as np

        x, y, z, v, w = self._first(len(sizes))
        at, read = starts + sizes - _BLOCK, self._texts.word
        factor = _word(_K1) + ((z & _word(0xFF)) << _word(1))
        w = w[0] + ((sizes - 1) % _BLOCK).astype(np.uint64), w[1]
        v = v[0] + w[0], v[1]
        w = w[0] + v[0], w[1]
        x = _rotate(x + y + v[0] + read(at + 8), 37) * factor
        y = _rotate(y + v[1] + read(at + 48), 42) * factor
        x ^= w[1] * _word(9)
        y += v[0] * _word(9) + read(at + 40)
        z = _rotate(z + w[0], 33) * factor
        v, w = self._weak(at, v[1] * factor, x + w[0]), self._weak(at + 32, z + w[1], y + read(at + 16))
        first = _join(v[0], w[0], factor) + _mix(y) * _word(_K0) + x
        return _join(first, _join(v[1], w[1], factor) + z, factor)

    def _weak(self, at: Places, a: Words, b: Words) -> Pair:
        """32 bytes and two words into two words."""
        read = self._texts.word
        first, last = a + read(at), read(at + 24)
        b = _rotate(b + first + last, 21)
        a = first + read(at + 8) + read(at + 16)
        return a + last, b + _rotate(a, 44) + first

    def _first(self, many: int) -> tuple[Words, Words, Words, Pair, Pair]:
        v, w = self._v, self._w
        return (
            self._x[:many], self._y[:many], self._z[:many], (v[0][:many], v[1][:many]), (w[0][:many], w[1][:many]),
        )  # fmt: skip

    def _keep(self, many: int, x: Words, y: Words, z: Words, v: Pair, w: Pair) -> None:
        mine = (self._x, self._y, self._z, *self._v, *self._w)
        for kept, new in zip(mine, (x, y, z, *v, *w), strict=True):
            kept[:many] = new
