// The formats of dumps that are read: a row each, and what their readers have in common.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::dump {

// The lines of a text of rows that its reader did not use, of which each ends in a line feed.
struct UnusedLines {
    std::string text;
    bool is_all = false;  // the reader says which lines it uses, and went to the end
};

// The bytes of one dump and the file name that messages give.
struct Source {
    std::string_view bytes;
    std::string_view file;
    UnusedLines* unused = nullptr;  // filled where there is one: a LineReader's task
};

// What a format prints when a leaf is all zeros: if it prints such rows, a missing one is unknown.
struct Habits {
    bool zero_leaves = false;          // leaves without subleaves
    bool zero_subleafed = false;       // leaves with subleaves, all of them zeros
    bool announced_subleaves = false;  // subleaves that subleaf 0 announces
    // True when the format has a place for the row; all have, where there is no such function.
    bool (*expresses)(LeafKey key) noexcept = nullptr;
    bool (*expresses_of_amd)(LeafKey key) noexcept = nullptr;  // likewise, where it has others of AMD's CPUs
    bool grew = false;       // older versions of the tool had no place for some lists of subleaves
    bool in_order = false;   // rows of zeros are left out, the others in order: behind the last one nothing is known
    bool of_guests = false;  // a hypervisor's list of what it gives guests
};

// A format: its word, whether bytes look like it (cheap, never throws), and the reading itself. Readers leave name
// empty unless the document has one, and leave format, and sha256 where it is that of the bytes: read_hosts fills them.
struct Format {
    std::string_view word;
    bool (*recognise)(std::string_view bytes) noexcept;
    HostDump (*read)(const Source& source);
    std::optional<Habits> habits;  // nothing where the document itself says what is unknown
    // The name of what is lines of text, of which each row is recognised by itself.
    std::string_view rows_of{};
    // If it has one: true for its rows, or lines that each text of it has, of which no other format has one like it.
    bool (*is_row)(std::string_view line) noexcept = nullptr;
    // The name of what is a JSON document.
    std::string_view documents{};
    bool in_a_row = false;  // documents, of which the reader picks the one that counts
};

// A format of JSON documents with this name.
consteval Format of_json(Format format, std::string_view documents, bool in_a_row = false) {
    format.documents = documents;
    format.in_a_row = in_a_row;
    return format;
}

// AIDA64, EVEREST and InstLatx64 text.
bool is_instlatx64(std::string_view bytes) noexcept;
bool is_instlatx64_row(std::string_view line) noexcept;
HostDump read_instlatx64(const Source& source);

// `cpuid -r` of Todd Allen's cpuid.
bool is_cpuid_r(std::string_view bytes) noexcept;
bool is_cpuid_r_row(std::string_view line) noexcept;
HostDump read_cpuid_r(const Source& source);

// `kcpuid -r` of the Linux tree.
bool is_kcpuid(std::string_view bytes) noexcept;
bool is_kcpuid_row(std::string_view line) noexcept;
HostDump read_kcpuid(const Source& source);
bool kcpuid_expresses(LeafKey key) noexcept;
bool kcpuid_expresses_of_amd(LeafKey key) noexcept;

// libcpuid's raw dump, and its .test files.
bool is_libcpuid(std::string_view bytes) noexcept;
bool is_libcpuid_row(std::string_view line) noexcept;
HostDump read_libcpuid(const Source& source);
bool libcpuid_expresses(LeafKey key) noexcept;

// <cpudata> XML of libvirt's tests.
bool is_libvirt(std::string_view bytes) noexcept;
HostDump read_libvirt(const Source& source);

// Fingerprint and CPU-configuration JSON of Firecracker.
bool is_firecracker(std::string_view bytes) noexcept;
HostDump read_firecracker(const Source& source);

// Lists of KVM's CPUID entries as JSON: of `render --to kvm`, and of Cloud Hypervisor.
bool is_kvm_entries(std::string_view bytes) noexcept;
HostDump read_kvm_entries(const Source& source);

// Names of features: these give partial hosts (named_features.hpp).

// /proc/cpuinfo, whose lines on each CPU have this key.
inline constexpr std::string_view cpuinfo_mark = "vendor_id";
bool is_cpuinfo(std::string_view bytes) noexcept;
bool is_cpuinfo_row(std::string_view line) noexcept;
// True for any of the lines that are read.
bool is_cpuinfo_line(std::string_view line) noexcept;
HostDump read_cpuinfo(const Source& source);

// What a /proc/cpuinfo says that stands in a text with the registers of host: the microcode revision, which registers
// do not have. Throws InputError where it names a CPU of another vendor, family, model or stepping: that is another
// host's. Linear; quick where there is none.
void take_cpuinfo(HostDump& host, const Source& source);

// Labels of a Kubernetes node, by Node Feature Discovery.
bool is_nfd(std::string_view bytes) noexcept;
HostDump read_nfd(const Source& source);

// `lscpu --json`.
bool is_lscpu(std::string_view bytes) noexcept;
HostDump read_lscpu(const Source& source);

// QEMU's answer to query-cpu-model-expansion.
bool is_qmp_model(std::string_view bytes) noexcept;
HostDump read_qmp_model(const Source& source);

// `virsh capabilities` and `virsh domcapabilities`.
bool is_libvirt_capabilities(std::string_view bytes) noexcept;
HostDump read_libvirt_capabilities(const Source& source);

// `xe host-cpu-info` of XenServer and XCP-ng.
bool is_xe_featureset(std::string_view bytes) noexcept;
bool is_xe_featureset_row(std::string_view line) noexcept;
HostDump read_xe_featureset(const Source& source);

// Our own poolcpuid/host/v1 document.
bool is_host_json(std::string_view bytes) noexcept;
HostDump read_host_json(const Source& source);

// `xen-cpuid -p` of Xen's tools.
bool is_xen_cpuid(std::string_view bytes) noexcept;
HostDump read_xen_cpuid(const Source& source);
bool xen_cpuid_expresses(LeafKey key) noexcept;

// vmware.log of a VM, of which the host's rows count.
bool is_vmware_log(std::string_view bytes) noexcept;
HostDump read_vmware_log(const Source& source);

// VBox.log of a VM, of which the host's rows count.
bool is_vbox_log(std::string_view bytes) noexcept;
bool is_vbox_log_row(std::string_view line) noexcept;
HostDump read_vbox_log(const Source& source);
bool vbox_log_expresses(LeafKey key) noexcept;

// `VBoxManage list hostcpuids`.
bool is_vbox_host_cpuids(std::string_view bytes) noexcept;
bool is_vbox_host_cpuids_row(std::string_view line) noexcept;
HostDump read_vbox_host_cpuids(const Source& source);
bool vbox_host_cpuids_expresses(LeafKey key) noexcept;

// The files of hwloc-gather-cpuid, one of them or several in a row.
bool is_hwloc(std::string_view bytes) noexcept;
bool is_hwloc_row(std::string_view line) noexcept;
HostDump read_hwloc(const Source& source);
bool hwloc_expresses(LeafKey key) noexcept;

// `x86info -r`.
bool is_x86info(std::string_view bytes) noexcept;
bool is_x86info_row(std::string_view line) noexcept;
HostDump read_x86info(const Source& source);
bool x86info_expresses(LeafKey key) noexcept;

// A text report of CPU-Z.
bool is_cpu_z(std::string_view bytes) noexcept;
bool is_cpu_z_row(std::string_view line) noexcept;
HostDump read_cpu_z(const Source& source);

// FreeBSD's `cpucontrol -i` and `-m`, of many calls.
bool is_cpucontrol(std::string_view bytes) noexcept;
bool is_cpucontrol_row(std::string_view line) noexcept;
HostDump read_cpucontrol(const Source& source);

// A new one is a file of its own, and here its functions and a row. In the order in which they are tried.
inline constexpr std::array formats{
    // KVM answers zeros for what is not in its list. Before host documents, which have a "schema", too.
    of_json({"kvm", is_kvm_entries, read_kvm_entries, Habits{.of_guests = true}}, "lists of KVM's CPUID entries"),
    of_json({"host-json", is_host_json, read_host_json, std::nullopt}, "host documents"),
    // KVM's own list: what is not in it reads as zeros.
    of_json({"firecracker", is_firecracker, read_firecracker, Habits{.of_guests = true}}, "dumps of Firecracker"),
    Format{"libvirt", is_libvirt, read_libvirt, Habits{.zero_leaves = true, .announced_subleaves = true}},
    Format{"libcpuid", is_libcpuid, read_libcpuid,
           Habits{.zero_leaves = true,
                  .zero_subleafed = true,
                  .announced_subleaves = true,
                  .expresses = libcpuid_expresses,
                  .grew = true},
           "libcpuid", is_libcpuid_row},
    Format{"instlatx64", is_instlatx64, read_instlatx64, Habits{.zero_leaves = true, .announced_subleaves = true},
           "InstLatx64", is_instlatx64_row},
    // Omits every row of zeros.
    Format{"kcpuid", is_kcpuid, read_kcpuid,
           Habits{.expresses = kcpuid_expresses, .expresses_of_amd = kcpuid_expresses_of_amd, .in_order = true},
           "kcpuid", is_kcpuid_row},
    // cpuid -r also prints the dumps of others again.
    Format{"cpuid-r", is_cpuid_r, read_cpuid_r, Habits{.zero_leaves = true, .announced_subleaves = true}, "cpuid -r",
           is_cpuid_r_row},
    // Of the policy Raw; that of HVM Max is in its reader.
    Format{"xen-cpuid", is_xen_cpuid, read_xen_cpuid,
           Habits{.announced_subleaves = true, .expresses = xen_cpuid_expresses}, "xen-cpuid -p"},
    Format{"vmware-log", is_vmware_log, read_vmware_log,
           Habits{.zero_leaves = true, .zero_subleafed = true, .announced_subleaves = true, .grew = true},
           "vmware.log"},
    Format{"vbox-log", is_vbox_log, read_vbox_log,
           Habits{.zero_leaves = true,
                  .zero_subleafed = true,
                  .announced_subleaves = true,
                  .expresses = vbox_log_expresses,
                  .grew = true},
           "VBox.log", is_vbox_log_row},
    Format{"vbox-hostcpuids", is_vbox_host_cpuids, read_vbox_host_cpuids,
           Habits{.zero_leaves = true,
                  .zero_subleafed = true,
                  .announced_subleaves = true,
                  .expresses = vbox_host_cpuids_expresses},
           "VBoxManage list hostcpuids", is_vbox_host_cpuids_row},
    Format{"hwloc", is_hwloc, read_hwloc,
           Habits{.zero_leaves = true,
                  .zero_subleafed = true,
                  .announced_subleaves = true,
                  .expresses = hwloc_expresses,
                  .grew = true},
           "hwloc-gather-cpuid", is_hwloc_row},
    Format{
        "x86info", is_x86info, read_x86info,
        Habits{
            .zero_leaves = true, .zero_subleafed = true, .announced_subleaves = true, .expresses = x86info_expresses},
        "x86info -r", is_x86info_row},
    Format{"cpu-z", is_cpu_z, read_cpu_z,
           Habits{.zero_leaves = true, .zero_subleafed = true, .announced_subleaves = true, .grew = true}, "CPU-Z",
           is_cpu_z_row},
    Format{"cpucontrol", is_cpucontrol, read_cpucontrol,
           Habits{.zero_leaves = true, .zero_subleafed = true, .announced_subleaves = true, .grew = true}, "cpucontrol",
           is_cpucontrol_row},
    // Partial ones last: a text that has registers, too, is read for these.
    Format{"libvirt-capabilities", is_libvirt_capabilities, read_libvirt_capabilities, std::nullopt},
    of_json({"lscpu", is_lscpu, read_lscpu, std::nullopt}, "documents of `lscpu --json`"),
    of_json({"nfd", is_nfd, read_nfd, std::nullopt}, "Kubernetes nodes with labels of Node Feature Discovery"),
    of_json({"qmp-model", is_qmp_model, read_qmp_model, std::nullopt}, "answers of QEMU to query-cpu-model-expansion",
            true),
    Format{"xe-featureset", is_xe_featureset, read_xe_featureset, std::nullopt, "xe host-cpu-info",
           is_xe_featureset_row},
    Format{"cpuinfo", is_cpuinfo, read_cpuinfo, std::nullopt, {}, is_cpuinfo_row},
};

// The format of this word, which there is.
consteval const Format& format_of(std::string_view word) {
    return *std::find_if(formats.begin(), formats.end(), [&](const Format& format) { return format.word == word; });
}

}  // namespace poolcpuid::dump
