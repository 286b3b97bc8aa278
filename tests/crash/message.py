"""A message that says who sent it, which one it is, and whether it has arrived whole."""

import random
import struct
import zlib

_HEAD = struct.Struct(">IQI")  # publisher, sequence, checksum of what follows
_FILLING = random.Random(1).randbytes(200 * 1024)

# (weight, smallest, largest): octets beside the head
_SIZES = ((70, 0, 200), (20, 200, 4096), (9, 4096, 20000), (1, 100 * 1024, 110 * 1024))
_WEIGHTS = [weight for weight, _, _ in _SIZES]


def random_size(rng):
    _, smallest, largest = rng.choices(_SIZES, _WEIGHTS)[0]
    return rng.randint(smallest, largest)


def make_body(publisher, sequence, size):
    begin = sequence * 7919 % (len(_FILLING) - size)
    filling = _FILLING[begin : begin + size]
    return _HEAD.pack(publisher, sequence, zlib.crc32(filling)) + filling


def read_body(body):
    """(publisher, sequence), or nothing when the body is not what was published."""
    if len(body) < _HEAD.size:
        return None
    publisher, sequence, checksum = _HEAD.unpack_from(body)
    return (publisher, sequence) if zlib.crc32(body[_HEAD.size :]) == checksum else None
