// What people call things of the rulebook, as lists: fields in other projects, and what a field helps against.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::rulebook {

// Project ("vendor", "linux", "qemu", "libvirt", "xen") and name, for those that have one.
inline std::vector<std::pair<std::string_view, std::string_view>> names_of(const Field& field) {
    const FieldNames& names = field.names;
    const std::array<std::pair<std::string_view, std::string_view>, 5> all{{{"vendor", names.vendor},
                                                                            {"linux", names.kernel},
                                                                            {"qemu", names.qemu},
                                                                            {"libvirt", names.libvirt},
                                                                            {"xen", names.xen}}};
    std::vector<std::pair<std::string_view, std::string_view>> result;
    for (const auto& entry : all) {
        if (!entry.second.empty()) result.push_back(entry);
    }
    return result;
}

// The vulnerabilities of which the field is a mitigation on CPUs of these vendors, as people say them.
inline std::vector<std::string> mitigated_names(const Rulebook& rulebook, const Field& field, VendorMask on) {
    std::vector<std::string> names;
    for (const VulnerabilityIndex index : rulebook.mitigated_by(field, on)) {
        names.emplace_back(rulebook.vulnerabilities[index].name);
    }
    return names;
}

}  // namespace poolcpuid::rulebook
