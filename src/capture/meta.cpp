#include "capture/meta.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "dump/host_name.hpp"
#include "dump/line_reader.hpp"
#include "os/read_file.hpp"

namespace poolcpuid::capture {

namespace {

namespace fs = std::filesystem;
using Meta = std::map<std::string, std::string>;

void add(Meta& meta, const std::string& key, const std::string& value) {
    if (!value.empty() && dump::meta_problem(key, value).empty()) meta[key] = value;
}

// The values of "microcode : VALUE", of which there is a line for each CPU.
std::set<std::string> microcode_versions(std::string_view cpuinfo) {
    std::set<std::string> versions;
    while (!cpuinfo.empty()) {
        const std::size_t end = std::min(cpuinfo.find('\n'), cpuinfo.size());
        const std::string_view line = cpuinfo.substr(0, end);
        cpuinfo.remove_prefix(std::min(end + 1, cpuinfo.size()));
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || dump::trim(line.substr(0, colon)) != "microcode") continue;
        versions.emplace(dump::trim(line.substr(colon + 1)));
    }
    return versions;
}

void add_microcode(Meta& meta, const CaptureSources& sources, std::vector<NotSeen>& not_seen) {
    const std::string path = sources.proc + "/cpuinfo";
    const std::set<std::string> versions = microcode_versions(os::read_text_file(path).value_or(""));
    if (versions.size() == 1) return add(meta, "microcode", *versions.begin());
    if (versions.empty()) {
        not_seen.push_back({unseen::microcode, "No microcode version: " + path + " has none."});
        return;
    }
    std::string list;
    for (const std::string& version : versions) list += (list.empty() ? "" : ", ") + version;
    not_seen.push_back({unseen::microcode, "No microcode version: the CPUs have different ones (" + list +
                                               "). Update all of them to the same."});
}

// The names in a directory, sorted; none where it cannot be read.
std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
        names.push_back(entry->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

// Adds the parameters of a module, and to unread those that the process may not read.
void add_parameters(Meta& meta, const std::string& modules, const std::string& module, std::string& unread) {
    const std::string directory = modules + "/" + module + "/parameters";
    for (const std::string& name : names_in(directory)) {
        const std::string key = module + "." + name;
        const std::optional<std::string> value = os::read_text_file(directory + "/" + name);
        if (value) {
            add(meta, key, *value);
        } else {
            unread += (unread.empty() ? "" : ", ") + key;
        }
    }
}

void add_modules(Meta& meta, const CaptureSources& sources, std::vector<NotSeen>& not_seen) {
    const std::string modules = sources.sys + "/module";
    std::string vendor_modules;
    std::string unread;
    for (const std::string& module : names_in(modules)) {
        const bool is_vendor_module = module.starts_with("kvm_");
        if (is_vendor_module) vendor_modules += (vendor_modules.empty() ? "" : ",") + module;
        if (is_vendor_module || module == "kvm") add_parameters(meta, modules, module, unread);
    }
    add(meta, "kvm_module", vendor_modules);
    if (unread.empty()) return;
    not_seen.push_back({unseen::kvm_parameters, "Parameters of KVM's modules that cannot be read: " + unread + "."});
}

}  // namespace

std::map<std::string, std::string> read_meta(const CaptureSources& sources, std::vector<NotSeen>& not_seen) {
    Meta meta;
    utsname system{};
    if (::uname(&system) == 0) add(meta, "kernel", system.release);
    add_microcode(meta, sources, not_seen);
    add_modules(meta, sources, not_seen);
    return meta;
}

}  // namespace poolcpuid::capture
