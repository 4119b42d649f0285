#include "plan/settings.hpp"

#include <map>
#include <string>

#include "text/hex.hpp"

namespace poolcpuid::plan {

namespace {

std::map<std::string, std::string> settings_of(const HostDump& host) {
    std::map<std::string, std::string> settings;
    for (const auto& [key, value] : host.meta) {
        if (key == "kernel" || key.starts_with("kvm")) settings[key] = value;
    }
    if (const auto revision = microcode_revision(host)) settings["microcode"] = to_hex(*revision);
    return settings;
}

}  // namespace

std::vector<SettingChange> setting_changes(const HostDump& before, const HostDump& after) {
    const auto old_settings = settings_of(before);
    const auto new_settings = settings_of(after);
    std::map<std::string, SettingChange> changes;
    for (const auto& [name, value] : old_settings) changes[name] = {name, value, "unknown"};
    for (const auto& [name, value] : new_settings) {
        const auto [at, fresh] = changes.emplace(name, SettingChange{name, "unknown", value});
        if (!fresh) at->second.after = value;
    }
    std::vector<SettingChange> result;
    for (const auto& [name, change] : changes) {
        if (change.before != change.after) result.push_back(change);
    }
    return result;
}

}  // namespace poolcpuid::plan
