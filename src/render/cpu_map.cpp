// libvirt's cpu_map: an index that includes a file a vendor list, a feature list, and one a model.
#include "render/cpu_map.hpp"

#include <charconv>
#include <filesystem>
#include <pugixml.hpp>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "os/read_file.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/limits.hpp"

namespace poolcpuid {

namespace {

namespace fs = std::filesystem;

constexpr unsigned last_stepping = 15;

class MapReader {
public:
    MapReader(const std::string& directory, const render::CpuMapFile& bytes_of)
        : directory_(directory), bytes_of_(bytes_of), file_(path_of("index.xml")) {
        map_.directory = directory;
    }

    CpuMap run() {
        const pugi::xml_document index = parse("index.xml");
        for (const pugi::xml_node arch : index.child("cpus").children("arch")) {
            if (text_of(arch, "name") == "x86") read_includes(arch, 0);
        }
        file_ = path_of("index.xml");
        if (map_.models.empty() || map_.features.empty()) refuse("libvirt's CPU models and features", "none");
        return std::move(map_);
    }

private:
    std::string path_of(const std::string& name) const { return (fs::path(directory_) / name).string(); }

    [[noreturn]] void refuse(std::string expected, std::string found) const {
        throw InputError(file_, 0, std::move(expected), std::move(found));
    }

    static std::string text_of(const pugi::xml_node& node, const char* attribute) {
        return node.attribute(attribute).value();
    }

    pugi::xml_document parse(const std::string& name) const {
        pugi::xml_document document;
        const std::string bytes = bytes_of_(name);
        const pugi::xml_parse_result result = document.load_buffer(bytes.data(), bytes.size());
        if (!result) refuse("an XML file of libvirt's cpu_map", result.description());
        return document;
    }

    // Models may stand in groups of their own (libvirt 10 and later).
    void read_includes(const pugi::xml_node& parent, unsigned depth) {
        if (depth > limits::cpu_map_depth) {
            refuse("groups at most " + std::to_string(limits::cpu_map_depth) + " deep", "deeper ones");
        }
        for (const pugi::xml_node node : parent.children()) {
            const std::string_view kind = node.name();
            if (kind == "include") read_file(text_of(node, "filename"));
            if (kind == "group") read_includes(node, depth + 1);
        }
    }

    void read_file(const std::string& name) {
        file_ = path_of("index.xml");
        if (name.find('/') != std::string::npos) refuse("a file of the directory", quote(name));
        if (!included_.insert(name).second) refuse("each file included once", quote(name) + " twice");
        file_ = path_of(name);
        const pugi::xml_document document = parse(name);
        for (const pugi::xml_node node : document.child("cpus").children()) {
            const std::string_view kind = node.name();
            if (kind == "vendor") vendors_[text_of(node, "name")] = text_of(node, "string");
            if (kind == "feature") read_feature(node);
            if (kind == "model") read_model(node);
        }
    }

    std::uint32_t number(const pugi::xml_node& node, const char* attribute) const {
        const std::string text = text_of(node, attribute);
        if (text.empty()) return 0;
        const auto value = from_hex(text, 8);
        if (!value) refuse(std::string("a hexadecimal number in ") + attribute + "=", quote(text));
        return static_cast<std::uint32_t>(*value);
    }

    void read_feature(const pugi::xml_node& node) {
        CpuMapFeature feature;
        const auto add = [&](CpuMapBits bits) {
            if (bits.mask != 0) feature.bits.push_back(bits);
        };
        for (const pugi::xml_node place : node.children("cpuid")) {
            for (const Register reg : all_registers) {
                add({false, number(place, "eax_in"), number(place, "ecx_in"), reg, number(place, to_string(reg))});
            }
        }
        for (const pugi::xml_node place : node.children("msr")) {
            const std::uint64_t high = number(place, "edx");
            add({true, number(place, "index"), 0, Register::eax, high << 32 | number(place, "eax")});
        }
        for (const pugi::xml_node alias : node.children("alias")) {
            if (text_of(alias, "source") == "qemu") feature.qemu_names.push_back(text_of(alias, "name"));
        }
        const std::string name = text_of(node, "name");
        if (!map_.features.emplace(name, std::move(feature)).second) refuse("one feature " + quote(name), "two");
    }

    void read_model(const pugi::xml_node& node) {
        CpuMapModel model;
        const std::string name = text_of(node, "name");
        // A model may build on another one, which comes before it.
        if (const pugi::xml_node parent = node.child("model")) {
            const auto at = map_.models.find(text_of(parent, "name"));
            if (at == map_.models.end()) {
                refuse("the model on which " + quote(name) + " builds, before it", quote(text_of(parent, "name")));
            }
            model = at->second;
        }
        model.name = name;
        if (const pugi::xml_node vendor = node.child("vendor")) {
            const auto at = vendors_.find(text_of(vendor, "name"));
            if (at == vendors_.end()) refuse("a vendor of the map for " + quote(name), quote(text_of(vendor, "name")));
            model.vendor = at->second;
        }
        model.for_guests = text_of(node.child("decode"), "guest") != "off";
        if (node.child("signature")) model.signatures.clear();
        for (const pugi::xml_node signature : node.children("signature")) {
            model.signatures.push_back({decimal(signature, "family"), decimal(signature, "model"),
                                        steppings_of(text_of(signature, "stepping"))});
        }
        for (const pugi::xml_node entry : node.children("feature")) {
            const std::string feature = text_of(entry, "name");
            if (!map_.features.contains(feature)) refuse("a feature of the map for " + quote(name), quote(feature));
            (text_of(entry, "removed") == "yes" ? model.removed : model.features).insert(feature);
        }
        count(model);
        if (!map_.models.emplace(name, std::move(model)).second) refuse("one model " + quote(name), "two");
    }

    // Each model may build on the one before and have all that it has.
    void count(const CpuMapModel& model) {
        entries_ += model.features.size() + model.removed.size() + model.signatures.size();
        if (entries_ > limits::cpu_map_entries) {
            refuse("models with at most " + std::to_string(limits::cpu_map_entries) + " features in all", "more");
        }
    }

    unsigned decimal(const pugi::xml_node& node, const char* attribute) const {
        const std::string text = text_of(node, attribute);
        unsigned value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size()) {
            refuse(std::string("a number in ") + attribute + "=", quote(text));
        }
        return value;
    }

    // "5", "0-4", "1,3-5"; no text: all.
    std::uint16_t steppings_of(const std::string& text) const {
        if (text.empty()) return CpuMapModel::Signature{}.steppings;
        unsigned set = 0;
        const char* at = text.data();
        const char* const last = at + text.size();
        for (;;) {
            unsigned low = 0;
            std::from_chars_result read = std::from_chars(at, last, low);
            unsigned high = low;
            if (read.ec == std::errc{} && read.ptr != last && *read.ptr == '-') {
                read = std::from_chars(read.ptr + 1, last, high);
            }
            const bool is_range = read.ec == std::errc{} && low <= high && high <= last_stepping;
            if (!is_range || (read.ptr != last && *read.ptr != ',')) refuse("steppings such as \"0-4\"", quote(text));
            for (unsigned stepping = low; stepping <= high; ++stepping) set |= 1U << stepping;
            if (read.ptr == last) return static_cast<std::uint16_t>(set);
            at = read.ptr + 1;
        }
    }

    std::string directory_;
    const render::CpuMapFile& bytes_of_;
    std::string file_;  // that is being read
    std::set<std::string> included_;
    std::map<std::string, std::string> vendors_;
    std::size_t entries_ = 0;
    CpuMap map_;
};

}  // namespace

CpuMap render::cpu_map_of(const std::string& directory, const CpuMapFile& bytes_of) {
    return MapReader(directory, bytes_of).run();
}

CpuMap read_cpu_map(const std::string& directory) {
    return render::cpu_map_of(directory, [&](const std::string& name) {
        return os::read_regular_file((fs::path(directory) / name).string(), limits::cpu_map_file_bytes);
    });
}

std::optional<std::string> find_cpu_map() {
    const std::string usual = "/usr/share/libvirt/cpu_map";
    std::error_code error;
    if (fs::exists(fs::path(usual) / "index.xml", error)) return usual;
    return std::nullopt;
}

}  // namespace poolcpuid
