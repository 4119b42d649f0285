#include "dump/unrecognised.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/lists.hpp"
#include "base/located_text.hpp"
#include "base/printable.hpp"
#include "dump/as_printed.hpp"
#include "dump/behind_text.hpp"
#include "dump/below_text.hpp"
#include "dump/damaged_rows.hpp"
#include "dump/in_base64.hpp"
#include "dump/kind.hpp"
#include "dump/line_reader.hpp"
#include "dump/no_text.hpp"
#include "dump/reader.hpp"
#include "dump/recognise.hpp"
#include "dump/within_json.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view with_vendor =
    "`xen-cpuid -p` of that host is read, and of its featureset `xe host-cpu-info`";

// How text begins that stands for a file, or is what is left of one.
constexpr std::array beginnings{
    Kind{"BZh", "bzip2-compressed data", "decompress it first"},
    Kind{"version https://git-lfs", "a Git LFS pointer, not the dump itself", "run git lfs pull"},
};

constexpr std::string_view openstack_traits = "traits of OpenStack's Placement, which are names of features";

// Kinds of JSON; the first mark that occurs decides.
constexpr std::array json_kinds{
    Kind{"\"error\": {\"class\"", "an error of QEMU's monitor (QMP), and no answer to query-cpu-model-expansion",
         "ask for the model \"host\", or \"max\" without KVM"},
    Kind{"\"return\"", "an answer of QEMU's monitor (QMP) to another question than query-cpu-model-expansion",
         dump_the_host},
    Kind{"\"msr_modifiers\"", "a Firecracker CPU template without CPUID registers",
         "run `cpu-template-helper fingerprint dump` on that host"},
    Kind{"\"l1d:l1i", "what `lscpu --extended --json` prints, which holds no names of features", "run `lscpu --json`"},
    Kind{"\"one-size\"", "what `lscpu --caches --json` prints, which holds no names of features", "run `lscpu --json`"},
    Kind{"node.kubevirt.io/", "labels of KubeVirt, which name what a host's models have and no CPUID registers",
         dump_the_host},
    Kind{"\"hypervisor_hostname\"", "what OpenStack says of a hypervisor, which holds a model's name and features",
         dump_the_host},
    Kind{"HW_CPU_X86_", openstack_traits, dump_the_host},
    Kind{"\"kversion\"", "what Proxmox VE says of a node, which holds flags without the CPU's family and model",
         dump_the_host},
    Kind{"\"online\"", "what `lscpu --extended --json` prints, which holds no names of features", "run `lscpu --json`"},
    Kind{"\"adjustments\"", "a CPU profile of Cloud Hypervisor, which leaves bits to the host that it meets",
         dump_the_host},
};

// Kinds of XML.
constexpr std::array xml_kinds{
    Kind{"class=\"processor\"", "what `lshw -xml` prints, which holds feature names and no CPUID registers",
         dump_the_host},
    Kind{"<topology", "what `lstopo` writes, which holds no CPUID registers", dump_the_host},
    Kind{"<domain", "libvirt XML of a domain, which holds no CPUID registers", dump_the_host},
    Kind{"<cpu", "libvirt XML of a CPU model, which holds feature names and no CPUID registers", dump_the_host},
    Kind{"<!DOCTYPE html", "an HTML page"},
    Kind{"<html", "an HTML page"},
};

constexpr std::string_view from_vsphere =
    "the vmware.log of a VM that ran there is read; or start Linux on that host and run `cpuid -r`: ESXi has none";
constexpr std::string_view bsd_words = "run `cpuid -r` on that host";
constexpr std::string_view kernel_log = "a log of the kernel, which holds no CPUID registers";

constexpr std::string_view reads_cpuid_r = "not read; run `cpuid -r` on that host";

// Rows of tools that are not read, though some look like those of one that is.
constexpr std::array row_kinds{
    Kind{"cpu0: 00000000: ", "rows of NetBSD's `cpuctl -v identify`", reads_cpuid_r},
    Kind{"CPUID 00000000:00 = ", "rows of Steven Noonan's cpuid", reads_cpuid_r},
    Kind{"CPUID_SIGNATURE (Leaf ", "what EDK II's Cpuid application prints", reads_cpuid_r},
    Kind{"eax in    eax      ebx", "rows of Phil Karn's cpuid, without subleaves", reads_cpuid_r},
    Kind{"=> CpuIdResult {", "rows of the raw-cpuid crate of Rust", reads_cpuid_r},
};

// Kinds of text. What quotes others, as logs and reports do, comes before what is quoted.
constexpr std::array text_kinds{
    Kind{"Content-Transfer-Encoding: base64", "a mail with base64 in it",
         "save its attachment, or the text that the mail program shows"},
    Kind{"arm_midr", "a dump of an ARM CPU"},
    Kind{"CPU implementer", "/proc/cpuinfo of an ARM CPU"},
    Kind{" T: ", "a latency table of InstLatx64, not its CPUID dump"},
    Kind{"Gst: 0000", "rows of a guest in a VBox.log, without those of the host (\"Hst:\")", dump_the_host},
    Kind{"guest vs. host CPUID", "rows of a guest in a vmware.log, without those of the host (\"hostCPUID level\")",
         dump_the_host},
    Kind{":ffffffff -> ", "rows of `xen-cpuid -p` without the name of their policy",
         "leave the line above them, as in \"Raw policy: 48 leaves, 2 MSRs\""},
    Kind{"feature.node.kubernetes.io/", "labels of Kubernetes' Node Feature Discovery in another form than JSON",
         "`kubectl get node NAME -o json` is read, for names of features; or run `poolcpuid capture` on that host"},
    Kind{"Static sets:",
         "what `xen-cpuid` prints without -p: Xen featuresets, without their vendor and CPUID's other leaves",
         "run `xen-cpuid -p`"},
    Kind{"hw_caps  ", "what `xl info` prints: a Xen featureset, without its vendor and CPUID's other leaves",
         with_vendor},
    Kind{"Architecture: x86\n", "the summary of a directory of hwloc-gather-cpuid",
         "give the files beside it as one: `cat DIRECTORY/pu* >HOST.txt`"},
    Kind{"version information (1/eax)", "what `cpuid` prints without -r: features in words, not CPUID registers",
         "run `cpuid -r`"},
    Kind{"vendor_id = \"", "what `cpuid` prints without -r: features in words, not CPUID registers", "run `cpuid -r`"},
    Kind{"CPUID_0x", "what `kcpuid` prints without -r: features in words, not CPUID registers", "run `kcpuid -r`"},
    Kind{"CPU features:\n====", "what `kcpuid` prints without -r: features in words, not CPUID registers",
         "run `kcpuid -r`"},
    Kind{"CPU Info for type", "a report of libcpuid's cpuid_tool, not its raw dump", "run `cpuid_tool --save=FILE`"},
    Kind{"x86info v", "what `x86info` prints without -r: features in words, not CPUID registers", dump_the_host},
    Kind{"CPU-Z TXT Report", "a report of CPU-Z without its thread dumps", dump_the_host},
    Kind{"Coreinfo v", "what Coreinfo prints, which holds feature names and no CPUID registers", dump_the_host},
    Kind{"DMI type 4", "what `dmidecode` prints, which holds one word of CPUID", dump_the_host},
    Kind{"CpuIdInfo", "what vSphere says of a host, whose levels of CPUID stop at a few words of it", from_vsphere},
    Kind{"vim.host.", "what `vim-cmd` says of a host, which is names of features", from_vsphere},
    Kind{"/hardware/cpu/cpuList", "what ESXi's `vsish` says of its CPUs, which is a few words of CPUID", from_vsphere},
    Kind{"Core Speed: ", "what `esxcli hardware cpu list` prints, which is family, model and stepping", from_vsphere},
    Kind{"SubLevel ", "what `esxcli hardware cpu cpuid` prints, of which nothing published says what it is",
         from_vsphere},
    Kind{"family:0x", "what ESXi's `vsish` says of a CPU, which is a few words of CPUID", from_vsphere},
    Kind{"machdep.cpu.", "what `sysctl` prints on macOS, which is names of features",
         "run `cpuid -r` under Linux there"},
    Kind{": cpuid 1 edx=", "what OpenBSD's kernel says of its CPU, which is some words of CPUID", bsd_words},
    Kind{": highest basic info ", "what NetBSD's `cpuctl identify` prints, which is some words of CPUID", bsd_words},
    Kind{"-bit amd64 applications", "what `isainfo` prints, which is names of features", bsd_words},
    Kind{"Hardware Class: cpu", "what `hwinfo` prints, which is names of features", dump_the_host},
    Kind{"[CPU Feature Flags]", "a report of HWiNFO, which is names of features", dump_the_host},
    Kind{"node.kubevirt.io/", "labels of KubeVirt, which name what a host's models have and no CPUID registers",
         dump_the_host},
    Kind{"HW_CPU_X86_", openstack_traits, dump_the_host},
    Kind{"*-cpu", "what `lshw` prints, which holds feature names and no CPUID registers", dump_the_host},
    Kind{"CPU op-mode(s):", "what `lscpu` prints, which holds feature names and no CPUID registers",
         "run `poolcpuid capture` or `cpuid -r` on that host; of feature names alone `lscpu --json` is read"},
    Kind{"Available CPUs:", "what `qemu -cpu help` prints, which holds names of models and features", dump_the_host},
    Kind{"cpu family\t", "a part of /proc/cpuinfo, without vendor_id or flags", dump_the_host},
    Kind{"cpu family  ", "a part of /proc/cpuinfo, without vendor_id or flags", dump_the_host},
    Kind{": fpu vme de pse", "a list of flags as /proc/cpuinfo has it, without CPUID registers", dump_the_host},
    Kind{" fpu vme de pse", "a list of flags as lscpu prints it, without CPUID registers", dump_the_host},
    Kind{"  Origin=\"", "what FreeBSD's kernel says of its CPU, which is some words of CPUID",
         "`cpucontrol -i` of all its leaves is read; or run `cpuid -r` on that host"},
    Kind{"CPU frequency: ", "what `virsh nodeinfo` prints, which holds no features",
         "`virsh capabilities` is read, for names of features; or run `poolcpuid capture` on that host"},
    Kind{"ProcessorId", "what Windows says of a CPU by WMI, which holds one word of CPUID", dump_the_host},
    Kind{"# cpudesc :", "the head of a report of `perf`, which names the CPU's model alone", dump_the_host},
    Kind{"itlb_multihit:", "files of /sys/devices/system/cpu/vulnerabilities, which hold no CPUID registers",
         dump_the_host},
    Kind{"Linux version ", kernel_log, dump_the_host},
    Kind{" kernel: ", kernel_log, dump_the_host},
    Kind{"rdmsr ", "what `rdmsr` prints: MSRs without CPUID registers", dump_the_host},
    Kind{"\nMSR 0x", "MSRs without CPUID registers", dump_the_host},
    Kind{": eax=0x", "rows of cpuid -r behind other text", only_the_rows},
    Kind{"\n```", "blocks between fences (\"```\"), of which none or several may be the dump", "give the dump alone"},
};

// "17cbfbff-f7fa3223-2d93fbff-00000023": words of 8 hexadecimal digits that dashes or colons join.
bool is_featureset(std::string_view word) noexcept {
    constexpr int fewest_words = 4;  // the first that Xen had
    Cursor cursor(word);
    int words = 0;
    do {
        if (!cursor.hex(8)) return false;
        ++words;
    } while (cursor.skip("-") || cursor.skip(":"));
    return cursor.at_end() && words >= fewest_words;
}

bool has_featureset(std::string_view bytes) noexcept {
    return any_line(bytes, [](std::string_view line) noexcept {
        return is_featureset(line.substr(line.find_last_of(" \t") + 1));  // what stands before it is its name
    });
}

// "[    0.004321] x86/fpu: …": a line of dmesg.
bool is_of_dmesg(std::string_view line) noexcept {
    Cursor cursor(line);
    if (!cursor.skip("[")) return false;
    cursor.skip_blanks();
    return cursor.decimal() && cursor.skip(".") && cursor.decimal() && cursor.skip("] ");
}

// "processor : 0 vendor_id : AuthenticAMD cpu family : 25 … flags : fpu …".
bool is_joined_cpuinfo(std::string_view line) noexcept {
    std::size_t at = 0;
    for (const std::string_view key : {"vendor_id", "cpu family", "flags"}) {
        at = line.find(key, at);
        if (at == std::string_view::npos) return false;
        at += key.size();
        if (!trim(line.substr(at)).starts_with(':')) return false;
    }
    return true;
}

// The kind whose mark stands in bytes, or the other one.
std::string find_kind(std::span<const Kind> kinds, std::string_view bytes, const Kind& other) {
    for (const Kind& kind : kinds) {
        if (bytes.find(kind.mark) != std::string_view::npos) return text_of(kind);
    }
    return text_of(other);
}

// The kind of JSON whose mark stands in bytes, or that it is none of those that are read.
std::string find_json_kind(std::string_view bytes) {
    std::vector<std::string> read;
    for (const Format& format : formats) {
        if (!format.documents.empty()) read.emplace_back(format.documents);
    }
    const std::string what = "JSON of another kind than those that are read: " + joined(read);
    return find_kind(json_kinds, bytes, Kind{"", what, dump_the_host});
}

constexpr Kind empty_array{"", "a JSON array without elements, of which each would be a host"};
constexpr Kind other_xml{"", "XML without <cpudata>"};
constexpr Kind featureset{"", "a Xen featureset without its vendor, on which depends what its bits are", with_vendor};
constexpr Kind dmesg{"", kernel_log, dump_the_host};
constexpr Kind joined_cpuinfo{"", "/proc/cpuinfo whose lines were joined", "copy it with its line breaks"};
constexpr Kind other_text{"", "text without CPUID rows in any known format", dump_the_host};

// What holds nothing to read, or what is no text.
std::optional<std::string> describe_bytes(std::string_view bytes) {
    for (const Kind& kind : beginnings) {
        if (bytes.starts_with(kind.mark)) return text_of(kind);
    }
    if (bytes.find('\0') != std::string_view::npos) return "binary data";
    if (first_character(bytes) != '\0') return std::nullopt;
    return bytes.empty() ? "an empty file" : "nothing but blanks";
}

Unrecognised with_line(std::string_view what, std::string_view remedy, std::size_t line) {
    return {text_of(Kind{"", what, remedy}), line};
}

bool is_empty_array(std::string_view bytes) noexcept {
    LocatedText text(bytes);
    text.go_over_blanks();
    if (!text.rest().starts_with('[')) return false;
    text.go_over(1);
    text.go_over_blanks();
    return text.rest().starts_with(']');
}

Unrecognised describe_lines(std::string_view bytes) {
    if (const auto row = find_damaged_row(bytes)) return with_line(row->what, row->remedy, row->line);
    if (const auto below = find_below_text(bytes)) {
        return with_line(below->what, "leave the lines above it away", below->line);
    }
    if (const auto behind = find_behind_text(bytes)) {
        return with_line(behind->what + " behind other text, " + quote(behind->before), only_the_rows, behind->line);
    }
    if (const auto what = what_in_base64(bytes)) return with_line("base64 of " + *what, "decode it: `base64 -d`", 0);
    if (any_line(bytes, is_joined_cpuinfo)) return {text_of(joined_cpuinfo)};
    if (auto rows = describe_other_rows(bytes)) return {std::move(*rows)};
    const Kind& other = has_featureset(bytes) ? featureset : any_line(bytes, is_of_dmesg) ? dmesg : other_text;
    return {find_kind(text_kinds, bytes, other)};
}

}  // namespace

std::optional<std::string> describe_other_rows(std::string_view bytes) {
    for (const Kind& kind : row_kinds) {
        if (bytes.find(kind.mark) != std::string_view::npos) return text_of(kind);
    }
    return std::nullopt;
}

Unrecognised describe_unrecognised(std::string_view bytes) {
    if (auto kind = describe_no_text(bytes, is_ascii(bytes))) return std::move(*kind);
    if (auto what = describe_bytes(bytes)) return {std::move(*what)};
    if (is_empty_array(bytes)) return {text_of(empty_array)};
    const char first = first_character(bytes);
    const bool is_json = begins_as_json(bytes);
    if (is_json || first == '"') {
        const auto within = find_within_json(bytes);
        if (within) return with_line(within->what, within->remedy, within->line);
    }
    if (is_json) return {find_json_kind(bytes)};
    return first == '<' ? Unrecognised{find_kind(xml_kinds, bytes, other_xml)} : describe_lines(bytes);
}

}  // namespace poolcpuid::dump
