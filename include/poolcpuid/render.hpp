// A policy in a VMM's own language, and what that language cannot say.
//
//   const Rendering rendering = render_policy(builtin_rulebook(), policy, "kvm", {});
//   write(rendering.text);
//   for (const Inexpressible& entry : rendering.inexpressible) ...
//
// Each target knows what the guest would see, register by register; what differs from the policy, outside
// of the bits that the VMM fills in, is listed. Nothing is dropped silently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/telling.hpp"
#include "poolcpuid/vmm_facts.hpp"

namespace poolcpuid {

// A VMM's language, by the name that render_policy takes.
struct RenderTarget {
    std::string_view name;  // "firecracker", "kvm" …
    std::string_view what;  // what is rendered: "a CPU template"
    // The VMM whose options and facts it takes: "qemu", "libvirt" or "xen"; empty: none.
    std::string_view through{};
};

// All that there are, sorted by their names.
std::vector<RenderTarget> render_targets();

// What stands for the field of bits that no field covers.
inline constexpr const char* bits_without_field = "bits without a field";

// What the guest sees other than the policy says.
struct Inexpressible {
    std::string field;  // the rulebook's id, or bits_without_field
    BitPlace place;
    std::uint64_t value = 0;               // the policy's
    std::optional<std::uint64_t> instead;  // what the guest sees; nothing: that is unknown
    Telling telling = Telling::unknown;
    Impact impact = Impact::cosmetic;  // what the difference may cost the guest
    std::string reason;                // one sentence: why the target cannot say it
    std::string consequence;           // one sentence: what that means for the guest
    std::string about;                 // what is described, where that has a name: "brand string"

    friend bool operator==(const Inexpressible&, const Inexpressible&) = default;
};

// What to do on hosts of the pool that do not show every announcement of the policy by themselves.
struct HostAdvice {
    std::vector<std::string> hosts;     // sorted
    CpuCounts kinds;                    // how many of them have a CPU and kernel: "Rome, kernel 6.1.0"; "" is not known
    std::vector<std::string> breaks;    // fields whose promise these hosts do not keep: no VM belongs there
    std::vector<StartUp> hidden;        // what the hosts' VMM does not show by itself
    std::string advice;                 // a sentence or two
    std::optional<std::string> output;  // the rendering for these hosts, where it is another
};

// A named model of a VMM beside a policy.
struct NearestModel {
    std::string name;
    std::vector<std::string> add;     // features that the policy has beyond it, by the VMM's names, sorted
    std::vector<std::string> remove;  // features of it that the policy lacks, likewise

    friend bool operator==(const NearestModel&, const NearestModel&) = default;
};

struct Rendering {
    std::string target;
    std::string version;   // whose names were used, for people: "QEMU 7.2.22, asked /usr/bin/qemu-system-x86_64"
    std::string output;    // what to paste; ends with a newline
    NearestModel model;    // libvirt, proxmox: the CPU model that it starts from
    bool is_json = false;  // output is a JSON document
    std::vector<Inexpressible> inexpressible;  // CPUID before MSR, then by leaf or index, subleaf, register, bit
    std::vector<std::string> notes;            // things to do or to know, a sentence or two each
    std::vector<HostAdvice> hosts;             // hosts that need nothing come first
};

// Under what QEMU runs the guest. It decides which bits QEMU can give and what it shows by itself.
enum class QemuAccelerator : std::uint8_t { kvm, tcg };

// The two forms of xl's cpuid (xl.cfg(5)): features by name, or registers bit by bit.
enum class XenForm : std::uint8_t { libxl, xend };

struct RenderOptions {
    // A named model of QEMU or libvirt; empty: the plainest of QEMU's, the nearest of libvirt's. proxmox needs one,
    // with what a QEMU says of it in qemu.
    std::string base;
    std::optional<QemuFacts> qemu;                       // nothing: names of any version that is known
    QemuAccelerator accelerator = QemuAccelerator::kvm;  // qemu
    std::optional<CpuMap> cpu_map;                       // libvirt; nothing: names that are known
    std::optional<VmmVersion> xen;                       // xapi, xen: the hosts' release; nothing: the newest known
    std::optional<XenForm> xen_form;                     // xen; nothing: the one that loses less
    std::optional<QemuModels> qemu_models;               // libvirt; nothing: models that are known. proxmox
    std::vector<HostDump> hosts;                         // those of the pool, for advice
};

// The policy for the target. Throws NoPolicyError when the rulebook does not know the policy's vendor,
// UsageError when there is no such target, or options.base is no model, or options.xen no release, that is known,
// and InputError when the rulebook was loaded without the file of the target (load_rulebook). Linear in the policy's
// rows and the rulebook's fields; with hosts, a check of each.
Rendering render_policy(const Rulebook& rulebook, const PoolPolicy& policy, std::string_view target,
                        const RenderOptions& options);

// The boolean properties that the policy turns on in a QEMU that has them: what to give to ask_qemu. Throws
// NoPolicyError as render_policy does.
std::set<std::string> qemu_properties(const Rulebook& rulebook, const PoolPolicy& policy, QemuAccelerator accelerator);

// The nearest of a QEMU's models (ask_qemu_models) of the policy's vendor: of the policy's own CPU before all others,
// then the one with the fewest features to add and to remove; of equals one from which guests infer no immunity that
// the policy's CPU has not, and then the first by name. Nothing where there is none of the vendor. Linear in the
// models' properties.
std::optional<NearestModel> nearest_qemu_model(const Rulebook& rulebook, const PoolPolicy& policy,
                                               const QemuModels& models);

// The models of QEMU that a custom CPU model of Proxmox VE can report to guests of the policy's vendor: what to give to
// ask_qemu_models. Throws InputError when the rulebook was loaded without the target's file.
std::set<std::string> proxmox_models(const Rulebook& rulebook, const PoolPolicy& policy);

// The nearest of them, as nearest_qemu_model has it: those that take the node's vendor are of the policy's.
std::optional<NearestModel> nearest_proxmox_model(const Rulebook& rulebook, const PoolPolicy& policy,
                                                  QemuModels models);

// The rendering as a JSON document (schemas/render.schema.json): deterministic, ends with a newline.
std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const Rendering& rendering);

}  // namespace poolcpuid
