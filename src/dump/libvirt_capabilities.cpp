// What `virsh capabilities` and `virsh domcapabilities` say of a host's CPU: a model of libvirt's, and features by
// libvirt's names that are on or off beyond it. What the model has is not said, and so not known here.
//
//   <capabilities><host><cpu><arch>x86_64</arch><model>…</model><vendor>Intel</vendor>
//     <signature family='6' model='85' stepping='7'/><feature name='ss'/>…
//   <domainCapabilities>…<cpu><mode name='host-model' supported='yes'><model>…</model><vendor>Intel</vendor>
//     <feature policy='require' name='ss'/><feature policy='disable' name='mpx'/>…
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "dump/line_reader.hpp"
#include "dump/named_features.hpp"
#include "dump/reader.hpp"
#include "dump/xml.hpp"
#include "rulebook/target_data.hpp"

namespace poolcpuid::dump {

namespace {

class CapabilitiesReader {
public:
    explicit CapabilitiesReader(const Source& source) : source_(source), lines_(source.bytes) {}

    HostDump read() {
        const pugi::xml_document document = parse_xml(source_, lines_);
        const pugi::xml_node root = document.first_child();
        HostDump dump;
        if (std::string_view(root.name()) == "capabilities") {
            read_host(root.child("host").child("cpu"), dump);
        } else {
            const pugi::xml_node mode = root.child("cpu").find_child_by_attribute("mode", "name", "host-model");
            read_guests(root, mode, dump);
        }
        expect_end_after(root, source_, lines_);
        return dump;
    }

private:
    [[noreturn]] void refuse(const pugi::xml_node& node, const std::string& expected, const std::string& found) {
        throw InputError(std::string(source_.file), node ? lines_.line_of(node.offset_debug()) : 0, expected, found);
    }

    void read_host(const pugi::xml_node& cpu, HostDump& dump) {
        if (!cpu) refuse(cpu, "<host> with <cpu> in <capabilities>", "none");
        NamedFeatures features(Tongue::libvirt, Speaker::of_registers);  // virCPUx86GetHost runs CPUID itself
        set_vendor(cpu, features);
        set_arch(cpu, features);
        const pugi::xml_node signature = cpu.child("signature");
        const auto number = [&](const char* name) { return decimal_of(signature.attribute(name).value()); };
        const auto family = number("family");
        const auto model = number("model");
        const auto stepping = number("stepping");
        if (family && model && stepping && !features.set_signature(*family, *model, *stepping)) {
            refuse(signature, "family, model and stepping as CPUID has them", "others");
        }
        set_features(cpu, features);
        const auto microcode = decimal_of(cpu.child("microcode").attribute("version").value());
        if (microcode) dump.meta["microcode"] = to_hex(*microcode);
        dump.hardware.emplace().cpus.push_back({0, features.finish()});
    }

    void read_guests(const pugi::xml_node& root, const pugi::xml_node& mode, HostDump& dump) {
        if (!mode || std::string_view(mode.attribute("supported").value()) != "yes") {
            refuse(mode, "the CPU mode host-model, supported, in <domainCapabilities>",
                   mode ? "not supported" : "none");
        }
        NamedFeatures features(Tongue::libvirt, Speaker::of_guests);
        set_vendor(mode, features);
        set_arch(root, features);
        set_features(mode, features);
        const std::string_view domain = root.child_value("domain");
        if (domain == "kvm" || domain == "qemu") features.set_constants_of_qemu();
        dump.hypervisor.emplace();
        dump.hypervisor->name = "libvirt";
        dump.hypervisor->cpuid = features.finish();
    }

    static void set_arch(const pugi::xml_node& of, NamedFeatures& features) {
        if (std::string_view(of.child_value("arch")) == "x86_64") features.set_long_mode();
    }

    // libvirt has words of its own for vendors.
    void set_vendor(const pugi::xml_node& cpu, NamedFeatures& features) {
        const std::string_view word = cpu.child_value("vendor");
        for (const auto& [vendor, known_as] : rulebook::libvirt_data(builtin_rulebook()).vendors) {
            if (known_as == word && features.set_vendor(vendor)) return;
        }
        refuse(cpu, "a vendor of CPUs with CPUID as <vendor>", word.empty() ? "none" : quote(word));
    }

    // policy is "require" or "disable" for guests, and not there for a host.
    static void set_features(const pugi::xml_node& cpu, NamedFeatures& features) {
        for (const pugi::xml_node feature : cpu.children("feature")) {
            const std::string_view policy = feature.attribute("policy").value();
            features.set(feature.attribute("name").value(), policy != "disable");
        }
    }

    Source source_;
    LineFinder lines_;
};

}  // namespace

bool is_libvirt_capabilities(std::string_view bytes) noexcept {
    const auto has = [&](std::string_view word) { return bytes.find(word) != std::string_view::npos; };
    return first_character(bytes) == '<' && (has("<capabilities") || has("<domainCapabilities"));
}

HostDump read_libvirt_capabilities(const Source& source) { return CapabilitiesReader(source).read(); }

}  // namespace poolcpuid::dump
