// Labels of a Kubernetes node that Node Feature Discovery has set, as `kubectl get node NAME -o json` prints them:
// features of the CPU by the names of the Go library klauspost/cpuid.
//
//   {"kind": "Node", "metadata": {"name": "n1", "labels": {"feature.node.kubernetes.io/cpu-model.vendor_id": "Intel",
//    "feature.node.kubernetes.io/cpu-cpuid.AVX512F": "true", …}}}
//
// The object in which its worker brings them (kind NodeFeature) has them as "labels" of "spec".
//
// kubernetes.io/arch is amd64 where the kernel is a 64-bit one, which says what no such CPU can do without.
//
// NFD leaves out some names by default, and the library those that the kernel does not let programs use: what has no
// label is unknown. Family and model have labels, but the stepping has none, without which they may be those of several
// CPUs: they say nothing here.
//
// Source: node-feature-discovery source/cpu/cpu.go (labels, names that are left out).
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/located_json.hpp"
#include "base/printable.hpp"
#include "dump/json_reader.hpp"
#include "dump/line_reader.hpp"
#include "dump/named_features.hpp"
#include "dump/reader.hpp"
#include "rulebook/klauspost_names.hpp"

namespace poolcpuid::dump {

namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::string_view model_label = "feature.node.kubernetes.io/cpu-model.vendor_id";
constexpr std::string_view arch_label = "kubernetes.io/arch";  // Go's word for what the kernel runs
constexpr std::string_view feature_label = "feature.node.kubernetes.io/cpu-cpuid.";

// The library's names of vendors, and CPUID's.
constexpr std::array vendors{Pair{"Intel", "GenuineIntel"}, Pair{"AMD", "AuthenticAMD"}, Pair{"Hygon", "HygonGenuine"}};

template <std::size_t Size>
std::string_view found_in(const std::array<Pair, Size>& pairs, std::string_view name) {
    const auto at = std::find_if(pairs.begin(), pairs.end(), [&](const Pair& pair) { return pair.first == name; });
    return at == pairs.end() ? std::string_view() : at->second;
}

class NfdReader : JsonReader {
public:
    explicit NfdReader(const Source& source) : JsonReader(source) {}

    HostDump read() {
        const json::Value& labels = labels_of(node());
        NamedFeatures features(Tongue::rulebook, Speaker::of_registers);
        const json::Value* vendor = labels.find(model_label);
        if (vendor == nullptr || !vendor->is_string()) {
            refuse(labels, "the label " + std::string(model_label), "none");
        }
        if (!features.set_vendor(found_in(vendors, vendor->text()))) {
            refuse(*vendor, "Intel, AMD or Hygon as the vendor of an x86 CPU", quote(vendor->text()));
        }
        const json::Value* arch = labels.find(arch_label);
        if (arch != nullptr && arch->is_string() && arch->text() == "amd64") features.set_long_mode();
        for (const auto& [label, value] : labels.members()) {
            if (!label.starts_with(feature_label) || !value.is_string() || value.text() != "true") continue;
            features.set(found_in(rulebook::klauspost_names, std::string_view(label).substr(feature_label.size())),
                         true);
        }
        HostDump dump;
        dump.hardware.emplace().cpus.push_back({0, features.finish()});
        return dump;
    }

private:
    // A list of one node is one.
    const json::Value& node() const {
        const json::Value* items = document().is_object() ? document().find("items") : nullptr;
        if (items == nullptr || !items->is_array()) return document();
        if (items->items().size() == 1) return items->items().front();
        refuse(*items, "one node, as `kubectl get node NAME -o json` prints it",
               "a list of " + std::to_string(items->items().size()));
    }

    const json::Value& labels_of(const json::Value& object) const {
        const json::Value* kind = object.is_object() ? object.find("kind") : nullptr;
        const bool is_of_worker = kind != nullptr && kind->is_string() && kind->text() == "NodeFeature";
        return member(member(object, is_of_worker ? "spec" : "metadata"), "labels");
    }

    const json::Value& member(const json::Value& value, const char* key) const {
        const json::Value* found = value.is_object() ? value.find(key) : nullptr;
        if (found != nullptr && found->is_object()) return *found;
        refuse(value, std::string("an object \"") + key + "\", as a node has", found == nullptr ? "none" : "another");
    }
};

}  // namespace

bool is_nfd(std::string_view bytes) noexcept {
    return first_character(bytes) == '{' && bytes.find(feature_label) != std::string_view::npos;
}

HostDump read_nfd(const Source& source) { return NfdReader(source).read(); }

}  // namespace poolcpuid::dump
