#include "dump/unrecognised.hpp"

#include <algorithm>
#include <array>

namespace poolcpuid::dump {

namespace {

// How a kind of file begins, or a word in it that other kinds do not have.
struct Kind {
    std::string_view mark;
    const char* what;
};

// File signatures. Dumps are often kept compressed, and a pipe may deliver the archive by mistake.
constexpr std::array signatures{
    Kind{"\x1F\x8B", "gzip-compressed data (decompress it first)"},
    Kind{"\3757zXZ", "xz-compressed data (decompress it first)"},
    Kind{"\x28\xB5\x2F\xFD", "zstd-compressed data (decompress it first)"},
    Kind{"BZh", "bzip2-compressed data (decompress it first)"},
    Kind{"PK\x03\x04", "a zip archive (unpack it first)"},
    Kind{"\177ELF", "an ELF program"},
    Kind{"MZ", "a Windows program"},
    Kind{"\xFF\xFE", "UTF-16 text (convert it to UTF-8 first)"},
    Kind{"\xFE\xFF", "UTF-16 text (convert it to UTF-8 first)"},
    Kind{"version https://git-lfs", "a Git LFS pointer, not the dump itself (run git lfs pull)"},
};

// Kinds of JSON; the first mark that occurs decides.
constexpr std::array json_kinds{
    Kind{"\"return\"", "an answer of QEMU's monitor (QMP), which holds feature names and no CPUID registers"},
    Kind{"\"msr_modifiers\"", "a Firecracker CPU template without CPUID registers"},
};

// Kinds of XML.
constexpr std::array xml_kinds{
    Kind{"<domain", "libvirt XML of a domain, which holds no CPUID registers"},
    Kind{"<capabilities", "libvirt XML of capabilities, which holds no CPUID registers"},
    Kind{"<cpu", "libvirt XML of a CPU model, which holds feature names and no CPUID registers"},
    Kind{"<!DOCTYPE html", "an HTML page"},
    Kind{"<html", "an HTML page"},
};

// Kinds of text.
constexpr std::array text_kinds{
    Kind{"arm_midr", "a dump of an ARM CPU"},
    Kind{"CPU implementer", "/proc/cpuinfo of an ARM CPU"},
    Kind{"cpu family\t", "/proc/cpuinfo, which holds feature names and no CPUID registers"},
    Kind{" T: ", "a latency table of InstLatx64, not its CPUID dump"},
};

template <std::size_t size>
const char* find_kind(const std::array<Kind, size>& kinds, std::string_view bytes) {
    for (const Kind& kind : kinds) {
        if (bytes.find(kind.mark) != std::string_view::npos) return kind.what;
    }
    return nullptr;
}

}  // namespace

std::string describe_unrecognised(std::string_view bytes) {
    for (const Kind& kind : signatures) {
        if (bytes.starts_with(kind.mark)) return kind.what;
    }
    const std::size_t start = bytes.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) return bytes.empty() ? "an empty file" : "nothing but blanks";
    if (bytes.find('\0') != std::string_view::npos) return "binary data";
    const char* what = nullptr;
    if (bytes[start] == '{' || bytes[start] == '[') {
        what = find_kind(json_kinds, bytes);
        return what != nullptr ? what : "JSON that is neither a host document nor a dump of Firecracker";
    }
    if (bytes[start] == '<') {
        what = find_kind(xml_kinds, bytes);
        return what != nullptr ? what : "XML without <cpudata>";
    }
    what = find_kind(text_kinds, bytes);
    return what != nullptr ? what : "text without CPUID rows in any known format";
}

}  // namespace poolcpuid::dump
