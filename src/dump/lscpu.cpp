// `lscpu --json`: the first CPU's features by Linux' names, as /proc/cpuinfo has them.
//
//   {"lscpu": [{"field": "Vendor ID:", "data": "GenuineIntel", "children": [{"field": "Flags:", "data": "fpu …"} …]}]}
#include <map>
#include <string>
#include <string_view>

#include "base/located_json.hpp"
#include "base/printable.hpp"
#include "dump/flag_order.hpp"
#include "dump/json_reader.hpp"
#include "dump/line_reader.hpp"
#include "dump/named_features.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

namespace {

class LscpuReader : JsonReader {
public:
    explicit LscpuReader(const Source& source) : JsonReader(source) {}

    HostDump read() {
        const json::Value* list = document().is_object() ? document().find("lscpu") : nullptr;
        if (list == nullptr || !list->is_array()) refuse(document(), "an array \"lscpu\"", json::describe(document()));
        collect(*list);
        NamedFeatures features(Tongue::linux_kernel, Speaker::of_cpu);
        const json::Value& vendor = required("Vendor ID:");
        if (!features.set_vendor(vendor.text())) {
            refuse(vendor, "a vendor of CPUs with CPUID as \"Vendor ID:\"", quote(vendor.text()));
        }
        if (!features.set_signature(number("CPU family:"), number("Model:"), number("Stepping:"))) {
            refuse(required("CPU family:"), "family, model and stepping as CPUID has them", "others");
        }
        HostDump dump;
        const std::string_view flags = trim(required("Flags:").text());
        const std::string_view whole = without_cut_flag(flags, features);
        for_each_word(whole, [&](std::string_view flag) { features.set(flag, true); });
        if (whole.size() < flags.size()) dump.notes.push_back({"truncated", cut_flags});
        dump.hardware.emplace().cpus.push_back({0, features.finish()});
        return dump;
    }

private:
    // Newer releases nest the CPU's facts under its vendor or its name. The first of a key counts: hybrid CPUs repeat
    // it.
    void collect(const json::Value& list) {
        for (const json::Value& entry : list.items()) {
            if (!entry.is_object()) refuse(entry, "an object with \"field\" and \"data\"", json::describe(entry));
            const json::Value* field = entry.find("field");
            const json::Value* data = entry.find("data");
            if (field != nullptr && field->is_string() && data != nullptr && data->is_string()) {
                fields_.emplace(field->text(), data);
            }
            const json::Value* children = entry.find("children");
            if (children != nullptr && children->is_array()) collect(*children);
        }
    }

    const json::Value& required(std::string_view key) const {
        const auto at = fields_.find(key);
        // Other languages have other words for it.
        if (at == fields_.end()) {
            refuse(document(), "\"" + std::string(key) + "\", as `LC_ALL=C lscpu --json` words it", "none");
        }
        return *at->second;
    }

    std::uint32_t number(std::string_view key) const {
        const json::Value& value = required(key);
        const auto result = decimal_of(value.text());
        if (!result) refuse(value, "a number as \"" + std::string(key) + "\"", quote(value.text()));
        return *result;
    }

    std::map<std::string_view, const json::Value*> fields_;
};

}  // namespace

bool is_lscpu(std::string_view bytes) noexcept {
    return first_character(bytes) == '{' && bytes.find("\"lscpu\"") != std::string_view::npos;
}

HostDump read_lscpu(const Source& source) { return LscpuReader(source).read(); }

}  // namespace poolcpuid::dump
