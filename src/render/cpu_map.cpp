// libvirt's cpu_map: an index that includes a file a vendor list, a feature list, and one a model.
#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <pugixml.hpp>

#include "poolcpuid/error.hpp"
#include "poolcpuid/vmm_facts.hpp"

namespace poolcpuid {

namespace {

namespace fs = std::filesystem;

// "1" of "1" and of the range "1-4".
unsigned first_number(const char* text) {
    unsigned value = 0;
    const std::string_view view(text);
    std::from_chars(view.data(), view.data() + view.size(), value);
    return value;
}

bool is_yes(const pugi::xml_attribute& attribute) { return std::string_view(attribute.value()) == "yes"; }

class MapReader {
public:
    explicit MapReader(const std::string& directory) : directory_(directory) { map_.directory = directory; }

    CpuMap run() {
        const pugi::xml_document index = parse("index.xml");
        for (const pugi::xml_node arch : index.child("cpus").children("arch")) {
            if (std::string_view(arch.attribute("name").value()) == "x86") read_includes(arch);
        }
        if (map_.models.empty() || map_.features.empty()) {
            throw InputError((fs::path(directory_) / "index.xml").string(), 0, "libvirt's CPU models and features",
                             "none");
        }
        return std::move(map_);
    }

private:
    pugi::xml_document parse(const std::string& name) const {
        const std::string path = (fs::path(directory_) / name).string();
        pugi::xml_document document;
        const pugi::xml_parse_result result = document.load_file(path.c_str());
        if (!result) throw InputError(path, 0, "an XML file of libvirt's cpu_map", result.description());
        return document;
    }

    // Models may stand in groups of their own (libvirt 10 and later).
    void read_includes(const pugi::xml_node& parent) {
        for (const pugi::xml_node node : parent.children()) {
            const std::string_view kind = node.name();
            if (kind == "include") read_file(node.attribute("filename").value());
            if (kind == "group") read_includes(node);
        }
    }

    void read_file(const std::string& name) {
        if (name.find('/') != std::string::npos) return;
        const pugi::xml_document document = parse(name);
        for (const pugi::xml_node node : document.child("cpus").children()) {
            const std::string_view kind = node.name();
            if (kind == "vendor") vendors_[node.attribute("name").value()] = node.attribute("string").value();
            if (kind == "feature") map_.features.insert(node.attribute("name").value());
            if (kind == "model") read_model(node);
        }
    }

    void read_model(const pugi::xml_node& node) {
        CpuMapModel model;
        // A model may build on another one, which comes before it.
        if (const pugi::xml_node parent = node.child("model")) {
            const auto at = map_.models.find(parent.attribute("name").value());
            if (at != map_.models.end()) model = at->second;
        }
        model.name = node.attribute("name").value();
        if (const pugi::xml_node vendor = node.child("vendor"))
            model.vendor = vendors_[vendor.attribute("name").value()];
        if (node.child("signature")) model.signatures.clear();
        for (const pugi::xml_node signature : node.children("signature")) {
            CpuMapModel::Signature entry;
            entry.family = first_number(signature.attribute("family").value());
            entry.model = first_number(signature.attribute("model").value());
            const std::string_view stepping = signature.attribute("stepping").value();
            if (!stepping.empty() && stepping.find_first_of("-,") == std::string_view::npos) {
                entry.stepping = first_number(signature.attribute("stepping").value());
            }
            model.signatures.push_back(entry);
        }
        for (const pugi::xml_node feature : node.children("feature")) {
            const std::string name = feature.attribute("name").value();
            if (is_yes(feature.attribute("removed"))) {
                model.removed.insert(name);
            } else {
                model.features.insert(name);
            }
        }
        map_.models[model.name] = std::move(model);
    }

    std::string directory_;
    std::map<std::string, std::string> vendors_;
    CpuMap map_;
};

}  // namespace

CpuMap read_cpu_map(const std::string& directory) { return MapReader(directory).run(); }

std::optional<std::string> find_cpu_map() {
    const std::string usual = "/usr/share/libvirt/cpu_map";
    std::error_code error;
    if (fs::exists(fs::path(usual) / "index.xml", error)) return usual;
    return std::nullopt;
}

}  // namespace poolcpuid
