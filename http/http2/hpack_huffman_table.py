#!/usr/bin/python3
"""hpack_huffman_table.py - writes hpack_huffman_table.h from the code lengths of RFC 7541, appendix B

usage: http/http2/hpack_huffman_table.py > http/http2/hpack_huffman_table.h

The code of appendix B is canonical: in the order of length, then symbol, each
code is its predecessor plus one, shifted left where the length grows. So the
lengths are all that has to be written down. test_hpack.c holds the table
against appendix C and against nghttp2.
"""
PEEK = 11  # bits that one step of the decoder looks at
EOS = 256

LENGTHS = [  # of the symbols 0 to 255, and EOS
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
]


def codes():
    """(symbol, length, code) in the order of the codes"""
    code, before, rows = 0, 0, []
    for symbol in sorted(range(257), key=lambda s: (LENGTHS[s], s)):
        code <<= LENGTHS[symbol] - before
        before = LENGTHS[symbol]
        rows.append((symbol, before, code))
        code += 1
    assert code == 1 << before, "the code is not complete"
    return rows


def first_symbol(bits, have, short):
    """the symbol, and its length, at the front of @have bits; None if they hold no whole one"""
    for length in range(5, have + 1):
        symbol = short.get((length, bits >> (have - length)))
        if symbol is not None:
            return symbol, length
    return None


def pairs(rows):
    """what PEEK bits begin with: one whole symbol or two; 0 where a longer code begins"""
    short = {(length, code): symbol for symbol, length, code in rows if length <= PEEK}
    for bits in range(1 << PEEK):
        first = first_symbol(bits, PEEK, short)
        if not first:
            yield 0
            continue
        left = PEEK - first[1]
        second = first_symbol(bits & ((1 << left) - 1), left, short)
        symbols, length, count = first[0], first[1], 1
        if second:
            symbols, length, count = symbols | second[0] << 8, length + second[1], 2
        yield symbols | length << 16 | first[1] << 24 | count << 28


def array(kind, name, values, form, per_line):
    values = list(values)
    print(f"static const {kind} {name}[{len(values)}] = {{")
    for i in range(0, len(values), per_line):
        print("\t" + " ".join(form % v + "," for v in values[i:i + per_line]))
    print("};")


def main():
    rows = codes()
    longer = [r for r in rows if r[1] > PEEK]
    lengths = range(PEEK + 1, 31)
    print("/* hpack_huffman_table.h - written by hpack_huffman_table.py, which see */\n/* clang-format off */")
    print(f"#define PEEK_BITS {PEEK}\n#define LONGEST_CODE 30\n")
    print("/* what PEEK_BITS bits begin with: two symbols (16 bits), length of all (8), of the first (4), how many (4) */")
    array("uint32_t", "short_codes", pairs(rows), "0x%08x", 8)
    print("\n/* the longer codes, by length: the first one, how many there are, where their symbols begin */")
    print("struct long_codes {\n\tuint32_t first;\n\tuint16_t count, symbols;\n};\n")
    print(f"static const struct long_codes long_codes[{len(lengths)}] = {{")
    for length in lengths:
        these = [i for i, r in enumerate(longer) if r[1] == length]
        print(f"\t{{ 0x{longer[these[0]][2]:x}, {len(these)}, {these[0]} }}, /* {length} bits */" if these else
              f"\t{{ 0, 0, 0 }}, /* {length} bits: none */")
    print("};\n\n/* EOS is the last one */")
    array("uint16_t", "long_symbols", (r[0] for r in longer), "%3d", 16)


if __name__ == "__main__":
    main()
