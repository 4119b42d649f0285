#include "dump/no_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/located_text.hpp"
#include "dump/kind.hpp"
#include "dump/line_reader.hpp"
#include "dump/recognise.hpp"
#include "dump/tar.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view unpack_first = "unpack it first";
constexpr std::string_view decompress_first = "decompress it first";
constexpr std::string_view copy_or_unpack = "copy it again, or decompress it once first";

// Of what unpack() unpacks, only what is left is met here: cut off in its first bytes, or packed twice. No text begins
// so.
constexpr std::array signatures{
    Kind{"\x1F\x8B", "the first bytes of gzip-compressed data, or data that is packed twice", copy_or_unpack},
    Kind{"\3757zXZ", "the first bytes of xz-compressed data, or data that is packed twice", copy_or_unpack},
    Kind{"\x28\xB5\x2F\xFD", "the first bytes of zstd-compressed data, or data that is packed twice", copy_or_unpack},
    Kind{"\x04\x22\x4D\x18", "lz4-compressed data", decompress_first},
    Kind{"\x1F\x9D", "data that `compress` made", decompress_first},
    Kind{"PK\x03\x04", "a zip archive", unpack_first},
    Kind{"PK\x05\x06", "a zip archive without files"},
    Kind{"PK\x07\x08", "a zip archive", unpack_first},
    Kind{"7z\xBC\xAF", "a 7z archive", unpack_first},
    Kind{"Rar!\x1A\x07", "a rar archive", unpack_first},
    Kind{"!<arch>\n", "an ar archive", unpack_first},
    Kind{"\xC7\x71", "a cpio archive", unpack_first},
    Kind{"\x71\xC7", "a cpio archive", unpack_first},
    Kind{"%PDF-", "a PDF document", dump_the_host},
    Kind{"\x89PNG", "a picture", dump_the_host},
    Kind{"\xFF\xD8\xFF", "a picture", dump_the_host},
    Kind{"\177ELF", "an ELF program"},
    Kind{"\xFF\xFE", "UTF-16 text", "convert it to UTF-8 first"},
    Kind{"\xFE\xFF", "UTF-16 text", "convert it to UTF-8 first"},
};

// Data that may stand behind a text, and begins so wherever it stands.
constexpr std::array streams{
    Kind{"\x1F\x8B\x08", "gzip-compressed data"},
    Kind{"\3757zXZ", "xz-compressed data"},
    Kind{"\x28\xB5\x2F\xFD", "zstd-compressed data"},
    Kind{"1AY&SY", "bzip2-compressed data"},
    Kind{"\x04\x22\x4D\x18", "lz4-compressed data"},
    Kind{"7z\xBC\xAF", "a 7z archive"},
    Kind{"Rar!\x1A\x07", "a rar archive"},
};

constexpr Kind bzip2{"", "bzip2-compressed data", decompress_first};
constexpr Kind cpio{"", "a cpio archive", unpack_first};
constexpr Kind tar{"", "a tar archive", unpack_first};
constexpr Kind zeros{"", "zero bytes alone, as of a tar archive without files"};
constexpr Kind utf_16_le{"", "UTF-16 text without its mark", "convert it to UTF-8 first: `iconv -f UTF-16LE -t UTF-8`"};
constexpr Kind utf_16_be{"", "UTF-16 text without its mark", "convert it to UTF-8 first: `iconv -f UTF-16BE -t UTF-8`"};
constexpr Kind utf_16_behind{"", "UTF-16 behind other text, as PowerShell's >> adds it",
                             "give each dump a file of its own"};
constexpr Kind hole{"", "zero bytes in a text, where rows may have stood", "copy it again, or take the dump again"};
constexpr Kind windows{"MZ", "a Windows program"};
constexpr Kind binary{"", "binary data"};

// "BZh9" and the first bytes of its first block, which are the digits of pi: a name may begin as the first do.
bool is_bzip2(std::string_view bytes) noexcept {
    constexpr std::size_t block_at = 4;
    return bytes.starts_with("BZh") && bytes.size() > block_at && bytes.substr(block_at).starts_with("1AY&SY");
}

// The header of a member in octal ("070707") or hexadecimal digits ("070701", "070702"): digits alone.
bool is_cpio(std::string_view bytes) noexcept {
    constexpr std::size_t shortest_header = 76;
    if (!bytes.starts_with("07070") || bytes.size() < shortest_header) return false;
    const std::string_view header = bytes.substr(0, shortest_header);
    return std::string_view("127").find(header[5]) != std::string_view::npos &&
           std::all_of(header.begin(), header.end(), Cursor::is_hex_digit);
}

std::optional<Kind> kind_by_beginning(std::string_view bytes) noexcept {
    for (const Kind& kind : signatures) {
        if (bytes.starts_with(kind.mark)) return kind;
    }
    if (is_bzip2(bytes)) return bzip2;
    if (is_cpio(bytes)) return cpio;
    if (is_tar(bytes)) return tar;
    const bool is_zeros = !bytes.empty() && bytes.find_first_not_of('\0') == std::string_view::npos;
    return is_zeros ? std::optional(zeros) : std::nullopt;
}

// Where the first zero byte stands that has another beside it, or behind the next byte.
std::size_t find_zeros(std::string_view bytes) noexcept {
    for (std::size_t at = bytes.find('\0'); at != std::string_view::npos; at = bytes.find('\0', at + 1)) {
        if (bytes.substr(at + 1, 2).find('\0') != std::string_view::npos) return at;
    }
    return std::string_view::npos;
}

// Each second byte is zero from there on, as in UTF-16 of what ASCII has.
bool is_utf_16(std::string_view bytes, std::size_t at) noexcept {
    constexpr std::size_t looked_at = 8;
    const std::string_view piece = bytes.substr(at, looked_at);
    for (std::size_t i = 0; i < piece.size(); ++i) {
        if ((piece[i] == '\0') != (i % 2 == 0)) return false;
    }
    return piece.size() == looked_at;
}

const Kind& kind_with_zeros(std::string_view bytes, std::size_t at) noexcept {
    if (is_utf_16(bytes, at)) return at == 0 ? utf_16_be : at == 1 ? utf_16_le : utf_16_behind;
    if (recognise(bytes) != nullptr) return hole;
    return bytes.starts_with(windows.mark) ? windows : binary;  // in a text that begins so it is a board's name
}

Unrecognised at_place(const Kind& kind, std::string_view bytes, std::size_t at) {
    return {text_of(kind), 1 + count_line_feeds(bytes.substr(0, at))};
}

// Data of another kind behind the beginning of a text.
std::optional<Unrecognised> describe_stream(std::string_view bytes) {
    for (const Kind& kind : streams) {
        const std::size_t at = bytes.find(kind.mark);
        if (at == std::string_view::npos) continue;
        const std::string what = std::string(kind.what) + " behind other text";
        return at_place({"", what, "give each dump a file of its own"}, bytes, at);
    }
    return std::nullopt;
}

}  // namespace

std::optional<Unrecognised> describe_no_text(std::string_view bytes, bool are_ascii) {
    if (const auto kind = kind_by_beginning(bytes)) return Unrecognised{text_of(*kind)};
    if (auto stream = are_ascii ? std::nullopt : describe_stream(bytes)) return stream;
    const std::size_t at = find_zeros(bytes);
    if (at == std::string_view::npos) return std::nullopt;
    const Kind& kind = kind_with_zeros(bytes, at);
    return &kind == &hole || &kind == &utf_16_behind ? at_place(kind, bytes, at) : Unrecognised{text_of(kind)};
}

}  // namespace poolcpuid::dump
