// `lscpu --json`: the features of each type of CPU by Linux' names, as /proc/cpuinfo has them.
//
//   {"lscpu": [{"field": "Vendor ID:", "data": "GenuineIntel", "children": [{"field": "Flags:", "data": "fpu …"} …]}]}
//
// CPUs are of one type where all that is printed of them is alike (lscpu_add_cputype in sys-utils/lscpu-cputype.c of
// util-linux): a machine of two steppings has two, and what one of them lacks the host lacks.

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/hex.hpp"
#include "base/located_json.hpp"
#include "base/printable.hpp"
#include "dump/flag_order.hpp"
#include "dump/json_reader.hpp"
#include "dump/line_reader.hpp"
#include "dump/microcode.hpp"
#include "dump/named_features.hpp"
#include "dump/one_machine.hpp"
#include "dump/reader.hpp"
#include "poolcpuid/limits.hpp"

namespace poolcpuid::dump {

namespace {

class LscpuReader : JsonReader {
public:
    explicit LscpuReader(const Source& source) : JsonReader(source) {}

    HostDump read() {
        const json::Value* list = document().is_object() ? document().find("lscpu") : nullptr;
        if (list == nullptr || !list->is_array()) refuse(document(), "an array \"lscpu\"", json::describe(document()));
        collect(*list);
        HostDump dump;
        dump.hardware.emplace();
        for (const Type& type : types_) add_cpu(type, dump);
        put_revisions(revisions_, dump);
        if (is_cut_) dump.notes.push_back({"truncated", cut_flags});
        return dump;
    }

private:
    // What is printed of a type of CPU, by its key.
    using Type = std::map<std::string_view, const json::Value*>;

    void add_cpu(const Type& type, HostDump& dump) {
        NamedFeatures features(Tongue::linux_kernel, Speaker::of_cpu);
        const json::Value& vendor = required(type, "Vendor ID:");
        if (!features.set_vendor(vendor.text())) {
            refuse(vendor, "a vendor of CPUs with CPUID as \"Vendor ID:\"", quote(vendor.text()));
        }
        if (!features.set_signature(number(type, "CPU family:"), number(type, "Model:"), number(type, "Stepping:"))) {
            refuse(required(type, "CPU family:"), "family, model and stepping as CPUID has them", "others");
        }
        const std::string_view flags = trim(required(type, flags_key).text());
        const std::string_view whole = without_cut_flag(flags, features);
        for_each_word(whole, [&](std::string_view flag) { features.set(flag, true); });
        is_cut_ = is_cut_ || whole.size() < flags.size();
        const auto revision = type.find(revision_key);
        if (revision != type.end() && from_hex(revision->second->text(), 8))
            revisions_.emplace(revision->second->text());
        auto& cpus = dump.hardware->cpus;
        if (cpus.size() >= limits::logical_cpus) {
            refuse(vendor, "at most " + std::to_string(limits::logical_cpus) + " types of CPU", "more");
        }
        cpus.push_back({static_cast<std::uint32_t>(cpus.size()), features.finish()});
        check_same_machine(cpus.front().cpuid, cpus.back().cpuid, file(), required(type, "Model:").line());
    }

    // The type that goes on with this key: the next one where the last has it.
    Type& type_of(std::string_view key) {
        constexpr std::array own{std::string_view("Model name:"),
                                 std::string_view("CPU family:"),
                                 std::string_view("Model:"),
                                 std::string_view("Stepping:"),
                                 flags_key,
                                 revision_key};
        const bool is_own = std::find(own.begin(), own.end(), key) != own.end();
        if (is_own && types_.back().contains(key)) types_.emplace_back();
        return types_.back();
    }

    // Newer releases nest the CPU's facts under its vendor or its name.
    void collect(const json::Value& list) {
        for (const json::Value& entry : list.items()) {
            if (!entry.is_object()) refuse(entry, "an object with \"field\" and \"data\"", json::describe(entry));
            const json::Value* field = entry.find("field");
            const json::Value* data = entry.find("data");
            if (field != nullptr && field->is_string() && data != nullptr && data->is_string()) {
                type_of(field->text()).emplace(field->text(), data);
            }
            const json::Value* children = entry.find("children");
            if (children != nullptr && children->is_array()) collect(*children);
        }
    }

    // What the first type says is not said again of others, but for flags: those of another type say nothing.
    const json::Value& required(const Type& type, std::string_view key) const {
        const auto own = type.find(key);
        if (own != type.end()) return *own->second;
        const auto first = types_.front().find(key);
        if (first != types_.front().end() && key != flags_key) return *first->second;
        // Other languages have other words for it.
        const std::string of_each = types_.size() > 1 ? " of each type of CPU" : "";
        refuse(document(), "\"" + std::string(key) + "\"" + of_each + ", as `LC_ALL=C lscpu --json` words it", "none");
    }

    std::uint32_t number(const Type& type, std::string_view key) const {
        const json::Value& value = required(type, key);
        const auto result = decimal_of(value.text());
        if (!result) refuse(value, "a number as \"" + std::string(key) + "\"", quote(value.text()));
        return *result;
    }

    static constexpr std::string_view flags_key = "Flags:";
    static constexpr std::string_view revision_key = "Microcode version:";

    std::vector<Type> types_ = std::vector<Type>(1);
    std::set<std::string> revisions_;
    bool is_cut_ = false;  // a list of flags ends within one
};

}  // namespace

bool is_lscpu(std::string_view bytes) noexcept {
    return first_character(bytes) == '{' && bytes.find("\"lscpu\"") != std::string_view::npos;
}

HostDump read_lscpu(const Source& source) { return LscpuReader(source).read(); }

}  // namespace poolcpuid::dump
