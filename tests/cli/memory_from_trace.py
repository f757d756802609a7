#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Recomputes the contents of a machine's DRAM from the TLPs of a run, and compares them with a dump of that DRAM.

    holdover run --trace run.tlp --trace-detail memory --dram run.dram
    holdover trace run.tlp --json --memory > run.jsonl
    memory_from_trace.py run.jsonl run.dram

It knows the base specification's headers, VT-d's structures in memory and the lines of the export, and shares no code
with the machine. docs/trace.md says what a success proves. Exit 0: every byte is the same; 1: one is not, or the export
cannot be what happened, and the line names the first address; 2: the files cannot be read.
"""

import collections
import json
import mmap
import struct
import sys

PAGE = 4096
MESSAGES = 0xFEE  # bits 31:20 of the addresses at which interrupt messages are written: no DRAM
IOMMU = 0xFED9_0000


class Contradiction(Exception):
    """The export cannot be what happened to this memory."""


def seconds(picoseconds):
    return f"{picoseconds / 1e6:.6f} us"


class Request:
    """A memory request, decoded from header words and payload (PCIe 5.0, 2.2.7)."""

    def __init__(self, words, payload=b""):
        first = words[0]
        self.four_words = bool(first >> 29 & 1)
        self.write = bool(first >> 30 & 1)
        self.words = (first & 0x3FF) or 1024
        self.requester = words[1] >> 16
        self.tag = words[1] >> 8 & 0xFF
        self.first_enables = words[1] & 0xF
        self.last_enables = words[1] >> 4 & 0xF
        self.address = (words[2] << 32 | words[3] & ~3) if self.four_words else words[2] & ~3
        self.poisoned = bool(first >> 14 & 1)
        self.payload = payload
        if self.write and payload and len(payload) != 4 * self.words:
            raise Contradiction(f"a write to {self.address:#x} has {len(payload)} bytes and says {4 * self.words}")

    def is_message(self):
        return self.write and self.address >> 20 == MESSAGES

    def enabled(self):
        """Offsets, from the address, of the bytes that the byte enables select (2.2.5)."""
        chosen = [i for i in range(4) if self.first_enables >> i & 1]
        if self.words == 1:
            return chosen
        last = 4 * (self.words - 1)
        return chosen + list(range(4, last)) + [last + i for i in range(4) if self.last_enables >> i & 1]

    def __str__(self):
        kind = "write" if self.write else "read"
        return f"{kind} of {4 * self.words} B at {self.address:#x} by {self.requester >> 8:02x}:{self.requester >> 3 & 31:02x}.{self.requester & 7}"


def is_memory_request(words):
    return words[0] >> 24 & 0x1F == 0 and words[0] >> 29 < 4


class Iommu:
    """VT-d in legacy mode: tables of four levels in DRAM, and the caches before them.

    A unit may go on using what it read until software invalidates it, and may read again at any time. So this one keeps
    what was ever used, drops it where software invalidates, and demands that old and new agree.
    """

    ROOT_SET, ENABLE = 1 << 30, 1 << 31

    def __init__(self, memory):
        self.memory = memory
        self.root_register = self.root = 0
        self.enabled = False
        self.invalidate_address = 0
        self.contexts = {}  # requester: (domain, table or None for pass-through)
        self.pages = {}     # (domain, page): leaf

    def store(self, offset, data):
        if len(data) == 8:
            self.store(offset, data[:4])
            self.store(offset + 4, data[4:])
            return
        if len(data) != 4:
            raise Contradiction(f"a register of the IOMMU at {offset:#x} was written {len(data)} bytes wide")
        value = struct.unpack("<I", data)[0]
        if offset == 0x18:
            if value & self.ROOT_SET:
                self.root = self.root_register
            self.enabled = bool(value & self.ENABLE)
        elif offset == 0x20:
            self.root_register = self.root_register & ~0xFFFFFFFF | value
        elif offset == 0x24:
            self.root_register = self.root_register & 0xFFFFFFFF | value << 32
        elif offset == 0x28:
            self.context_low = value
        elif offset == 0x2C and value >> 31:
            self.invalidate_contexts(value >> 29 & 3, self.context_low & 0xFFFF)
        elif offset == 0x100:
            self.invalidate_address = self.invalidate_address & ~0xFFFFFFFF | value
        elif offset == 0x104:
            self.invalidate_address = self.invalidate_address & 0xFFFFFFFF | value << 32
        elif offset == 0x10C and value >> 31:
            self.invalidate_pages(value >> 28 & 3, value & 0xFFFF)

    def invalidate_contexts(self, granularity, domain):
        if granularity == 1:
            self.contexts.clear()
        elif granularity:
            # One function of a domain: dropping more than that is always allowed to the unit.
            self.contexts = {k: v for k, v in self.contexts.items() if v[0] != domain}

    def invalidate_pages(self, granularity, domain):
        order = self.invalidate_address & 0x3F
        first = self.invalidate_address >> 12 >> order

        def dropped(key):
            if granularity == 1:
                return True
            return key[0] == domain and (granularity == 2 or granularity == 3 and key[1] >> order == first)

        self.pages = {key: leaf for key, leaf in self.pages.items() if not dropped(key)}

    def word(self, address):
        if address + 8 > len(self.memory):
            return 0
        return struct.unpack_from("<Q", self.memory, address)[0]

    def walk_context(self, requester):
        root = self.word((self.root & ~0xFFF) + (requester >> 8) * 16)
        if not root & 1:
            return None
        entry = (root & ~0xFFF) + (requester & 0xFF) * 16
        low, high = self.word(entry), self.word(entry + 8)
        if not low & 1 or (low >> 2 & 3) not in (0, 2) or (low >> 2 & 3 == 0 and high & 7 != 2):
            return None
        return high >> 8 & 0xFFFF, None if low >> 2 & 3 == 2 else low & ~0xFFF

    def walk_page(self, table, page):
        allowed = 3
        for level in (27, 18, 9, 0):
            entry = self.word(table + (page >> level & 0x1FF) * 8)
            allowed &= entry
            if not allowed:
                return None
            table = entry & 0x000F_FFFF_FFFF_F000
        return table, allowed

    @staticmethod
    def one_of(cache, key, now, what):
        """What was used before, or what stands in memory now; both where they agree."""
        before = cache.get(key)
        if before is not None and now is not None and before != now:
            raise Contradiction(f"{what} changed in memory from {before} to {now} without being invalidated: "
                                "what the IOMMU used cannot be told")
        value = before if now is None else now
        if value is not None:
            cache[key] = value
        return value

    def translate(self, request):
        """The physical address of a request that took effect."""
        if not self.enabled:
            return request.address
        requester, page = request.requester, request.address >> 12
        context = self.one_of(self.contexts, requester, self.walk_context(requester), f"the context of {requester:#06x}")
        if context is None:
            raise Contradiction(f"the {request} took effect, and no context entry lets that function in")
        domain, table = context
        if table is None:
            return request.address
        leaf = self.one_of(self.pages, (domain, page), self.walk_page(table, page), f"the mapping of {page << 12:#x}")
        if leaf is None or not leaf[1] & (2 if request.write else 1):
            raise Contradiction(f"the {request} took effect, and no mapping permits it")
        return leaf[0] | request.address & 0xFFF


class Endpoint:
    def __init__(self):
        self.writes = collections.deque()  # posted writes that have left it and are not in memory
        self.reads = {}                    # (requester, tag): reads that have left it
        self.answers = {}                  # (requester, tag): (request, physical address, bytes that memory held)


class Memory:
    """DRAM as the export tells it, record after record."""

    def __init__(self, size):
        self.bytes = bytearray(size)
        self.iommu = Iommu(self.bytes)
        self.endpoints = collections.defaultdict(Endpoint)
        self.counts = collections.Counter()

    def put(self, address, data, what):
        if address + len(data) > len(self.bytes):
            raise Contradiction(f"{what} at physical {address:#x} lies outside DRAM")
        self.bytes[address:address + len(data)] = data

    def take(self, record):
        try:
            kind = record.get("memory")
            if kind is None:
                self.take_tlp(record)
            elif kind == "effect":
                self.take_effect(record)
            elif kind == "store":
                self.put(record["address"], bytes.fromhex(record["payload"]), "a processor's store")
                self.counts["bytes stored by processors"] += len(record["payload"]) // 2
            elif kind == "fill":
                self.put(record["address"], struct.pack("<Q", record["word"]) * (PAGE // 8), "a page that was filled")
                self.counts["pages filled"] += 1
            elif kind == "register":
                self.iommu.store(record["address"] - IOMMU, bytes.fromhex(record["payload"]))
            else:
                raise Contradiction(f"a record of memory is of the unknown kind «{kind}»")
        except Contradiction as reason:
            raise Contradiction(f"at {seconds(record['time_ps'])}: {reason}") from None

    def take_tlp(self, record):
        endpoint = self.endpoints[record["endpoint"]]
        words = tuple(record["header"])
        if record["direction"] == "tx" and is_memory_request(words):
            request = Request(words, bytes.fromhex(record["payload"]))
            if request.write:
                if not request.is_message():
                    endpoint.writes.append((words, request, record["time_ps"]))
            else:
                endpoint.reads[request.requester, request.tag] = (words, request)
        elif record["direction"] == "rx" and words[0] >> 24 == 0x4A:
            self.take_completion(endpoint, words, bytes.fromhex(record["payload"]))

    def take_effect(self, record):
        endpoint = self.endpoints[record["endpoint"]]
        words = tuple(record["header"])
        told = Request(words)
        physical = self.iommu.translate(told)
        if not told.write:
            sent, request = endpoint.reads.pop((told.requester, told.tag), (None, None))
            if sent != words:
                raise Contradiction(f"memory answered a {told}, physical {physical:#x}, that endpoint "
                                    f"{record['endpoint']} had not sent")
            held = bytes(self.bytes[physical:physical + 4 * request.words])
            endpoint.answers[request.requester, request.tag] = (request, physical, held)
            return
        if not endpoint.writes:
            raise Contradiction(f"physical {physical:#x} was changed by a {told} that no TLP of endpoint "
                                f"{record['endpoint']} asked for")
        sent, request, when = endpoint.writes.popleft()
        if sent != words:
            raise Contradiction(f"physical {physical:#x} was changed by a {told}; the next write that had left "
                                f"endpoint {record['endpoint']} is another one, the {request} of {seconds(when)}")
        chosen = request.enabled()
        if chosen and chosen[-1] - chosen[0] + 1 == len(chosen):
            self.put(physical + chosen[0], request.payload[chosen[0]:chosen[-1] + 1], "a device's write")
        else:
            for offset in chosen:
                self.put(physical + offset, request.payload[offset:offset + 1], "a device's write")
        self.counts["bytes written by devices"] += len(chosen)

    def take_completion(self, endpoint, words, payload):
        if words[1] >> 13 & 7 or words[0] >> 14 & 1:
            return
        key = words[2] >> 16, words[2] >> 8 & 0xFF
        if key not in endpoint.answers:
            return  # of a configuration or register access: those have no answer from memory
        request, physical, held = endpoint.answers[key]
        chosen = request.enabled()
        left = (words[1] & 0xFFF) or 4096
        if not chosen:
            return
        position = chosen[-1] + 1 - left
        lead = words[2] & 3
        data = payload[lead:lead + left]
        expected = held[position:position + len(data)]
        for i, (found, wanted) in enumerate(zip(data, expected)):
            if found != wanted:
                raise Contradiction(f"the {request} brought {found:#04x} from physical {physical + position + i:#x}, "
                                    f"where memory held {wanted:#04x}")
        self.counts["bytes read by devices"] += len(data)
        if position + len(data) > chosen[-1]:
            del endpoint.answers[key]

    def finish(self):
        for number, endpoint in sorted(self.endpoints.items()):
            for _, request, when in endpoint.writes:
                raise Contradiction(f"the {request} that left endpoint {number} at {seconds(when)} never reached memory")

    def compare(self, dump):
        """Pages first: most are the same."""
        for page in range(0, len(self.bytes), PAGE):
            mine, found = self.bytes[page:page + PAGE], dump[page:page + PAGE]
            if mine == found:
                continue
            offset = next(i for i in range(PAGE) if mine[i] != found[i])
            raise Contradiction(f"physical {page + offset:#x} holds {found[offset]:#04x}, and the trace says "
                                f"{mine[offset]:#04x}")


def prove(records, dump):
    """Raises Contradiction unless the export's records make exactly the memory that was dumped."""
    memory = Memory(len(dump))
    for record in records:
        memory.take(record)
    memory.finish()
    memory.compare(dump)
    return memory.counts


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as lines, open(arguments[1], "rb") as file, \
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as dump:
            counts = prove(map(json.loads, lines), dump)
    except Contradiction as reason:
        print(f"the memory is not what the trace says: {reason}", file=sys.stderr)
        return 1
    except (OSError, ValueError, KeyError, struct.error) as reason:
        print(f"not readable: {reason}", file=sys.stderr)
        return 2
    print("every byte of DRAM is what the trace says: " +
          ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
