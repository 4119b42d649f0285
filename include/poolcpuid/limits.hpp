// The bounds on what is read. Inputs come from machines that nobody here controls: what is beyond a bound is refused
// with an error that names it, before it costs more. docs/formats.md has the same table; tests compare them, and
// exceed each bound but those of a running QEMU.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace poolcpuid::limits {

inline constexpr std::size_t dump_bytes = 64U << 20;
inline constexpr std::size_t stream_bytes = std::size_t{4} << 30;
inline constexpr std::size_t line_bytes = 16U << 20;
inline constexpr std::size_t unpacked_bytes = 1U << 30;
inline constexpr std::size_t decoder_bytes = 128U << 20;
inline constexpr std::size_t hosts_per_stream = 1U << 20;
inline constexpr std::size_t unreadable_per_stream = 10'000;
inline constexpr std::size_t logical_cpus = 8192;
inline constexpr std::size_t rows_per_cpu = 4096;
inline constexpr std::size_t rows_per_host = 1U << 20;
inline constexpr std::size_t msrs_per_view = 65536;
inline constexpr std::size_t name_bytes = 255;
inline constexpr std::size_t meta_value_bytes = 4096;
inline constexpr std::size_t json_depth = 32;
inline constexpr std::size_t json_values = 8U << 20;
inline constexpr std::size_t xml_bytes = 8U << 20;
inline constexpr std::size_t rulebook_file_bytes = 16U << 20;
inline constexpr std::size_t cpu_map_file_bytes = 16U << 20;
inline constexpr std::size_t cpu_map_depth = 8;
inline constexpr std::size_t cpu_map_entries = 1U << 20;
inline constexpr std::size_t qemu_answer_bytes = 16U << 20;
inline constexpr std::size_t qemu_seconds = 20;

struct Limit {
    std::string_view name;
    std::size_t most = 0;
    std::string_view unit;
    std::string_view of;  // what is bounded, and why there
};

inline constexpr std::array table{
    Limit{"dump_bytes", dump_bytes, "bytes", "a dump, a host document, a policy: 25 times the largest dump seen"},
    Limit{"stream_bytes", stream_bytes, "bytes", "a stream of host documents, a partial result"},
    Limit{"line_bytes", line_bytes, "bytes", "a line; of a stream, that is a host"},
    Limit{"unpacked_bytes", unpacked_bytes, "bytes",
          "what compressed data or an archive unpacks to, whatever its own size: a bomb ends there"},
    Limit{"decoder_bytes", decoder_bytes, "bytes", "memory of a decoder: `xz -9` and `zstd -22` take less"},
    Limit{"hosts_per_stream", hosts_per_stream, "hosts", "a stream, or the files of an archive"},
    Limit{"unreadable_per_stream", unreadable_per_stream, "documents",
          "malformed documents of a stream, of which the others are read: what has more is something else"},
    Limit{"logical_cpus", logical_cpus, "CPUs", "a host: as many as Linux can have"},
    Limit{"rows_per_cpu", rows_per_cpu, "rows", "CPUID of a logical CPU"},
    Limit{"rows_per_host", rows_per_host, "rows",
          "CPUID of all CPUs that a vmware.log describes by one: a short text must not stand for more"},
    Limit{"msrs_per_view", msrs_per_view, "MSRs", "a view"},
    Limit{"name_bytes", name_bytes, "bytes", "a host's name: as of a file's"},
    Limit{"meta_value_bytes", meta_value_bytes, "bytes", "a value of a host's meta data"},
    Limit{"json_depth", json_depth, "levels", "nesting of JSON, a QEMU's answers, too"},
    Limit{"json_values", json_values, "values", "a JSON document: a value takes many times its text in memory"},
    Limit{"xml_bytes", xml_bytes, "bytes", "an XML document: likewise"},
    Limit{"rulebook_file_bytes", rulebook_file_bytes, "bytes", "a file of `--rulebook`; ours have some 100,000"},
    Limit{"cpu_map_file_bytes", cpu_map_file_bytes, "bytes",
          "a file of libvirt's cpu_map; real ones have some 100,000"},
    Limit{"cpu_map_depth", cpu_map_depth, "levels", "groups of a cpu_map within each other; real ones are 1 deep"},
    Limit{"cpu_map_entries", cpu_map_entries, "features",
          "all models of a cpu_map, counted again where one builds on another; real ones have 20,000"},
    Limit{"qemu_answer_bytes", qemu_answer_bytes, "bytes",
          "an answer of a QEMU; real ones have some tens of thousands"},
    Limit{"qemu_seconds", qemu_seconds, "seconds", "all answers of a QEMU together; real ones take less than one"},
};

}  // namespace poolcpuid::limits
