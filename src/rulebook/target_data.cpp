#include "rulebook/target_data.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "rulebook/target_parser.hpp"

namespace poolcpuid::rulebook {

namespace {

class FirecrackerParser : TargetParser {
public:
    using TargetParser::TargetParser;

    FirecrackerData parse() {
        FirecrackerData data;
        read("firecracker", [&](ObjectReader& reader) {
            data.vendors = known_list(reader, "vendors", &KnownNames::vendors, vendor);
            data.fixed = fixed(reader, [](ObjectReader&, FixedBits&) {});
            each(reader, "of_host", "rows of the host", [&](ObjectReader& entry, const Value&) {
                FixedBits rows;
                rows.place = place(entry);
                rows.why = sentence(entry, "why");
                data.of_host.push_back(std::move(rows));
            });
            data.services = member_place(reader, "services");
        });
        return data;
    }
};

class KvmParser : TargetParser {
public:
    using TargetParser::TargetParser;

    KvmData parse() {
        KvmData data;
        read("kvm", [&](ObjectReader& reader) {
            each(reader, "made", "MSRs that KVM makes", [&](ObjectReader& entry, const Value& value) {
                data.made.push_back(place(entry));
                if (!data.made.back().is_msr) fail(value, "an MSR");
                sentence(entry, "why");
            });
        });
        return data;
    }
};

class QemuParser : TargetParser {
public:
    using TargetParser::TargetParser;

    QemuData parse() {
        QemuData data;
        read("qemu", [&](ObjectReader& reader) {
            data.oldest = release(reader.required("oldest"));
            each(reader, "numbers", "a number", [&](ObjectReader& entry, const Value& value) {
                NumberProperty number;
                number.name = property(entry, number.age);
                number.place = one_register(entry, value);
                if (const Value* only_with = entry.optional("if")) {
                    number.only_with = string_of(*only_with);
                    check(*only_with, number.only_with, &KnownNames::fields, field);
                }
                number.says_zero = entry.optional_bool("says_zero", false);
                if (entry.optional("untold") != nullptr) number.untold = untold(entry, number.place);
                if (entry.optional("turns_on") != nullptr) number.turns_on = turned_on(entry);
                if (entry.optional("of_host") != nullptr) number.of_host = entry.required_hex("of_host", 8);
                if (entry.optional("raised_by") != nullptr) number.raised_by = raised_by(entry);
                data.numbers.push_back(std::move(number));
            });
            each(reader, "models", "numbers of models",
                 [&](ObjectReader& entry, const Value&) { data.models.push_back(model_numbers(entry, data)); });
            each(reader, "drops", "a property that is dropped", [&](ObjectReader& entry, const Value&) {
                DroppedProperty dropped;
                dropped.name = entry.required_string("property");
                check(entry.required("property"), dropped.name, &KnownNames::qemu, "a name that QEMU has for a field");
                dropped.releases = releases(entry);
                dropped.why = sentence(entry, "why");
                sentence(entry, "source");
                data.drops.push_back(std::move(dropped));
            });
            each(reader, "switches", "a switch", [&](ObjectReader& entry, const Value&) {
                LeafSwitch leaf_switch;
                leaf_switch.name = property(entry, leaf_switch.age);
                leaf_switch.leaf = static_cast<std::uint32_t>(entry.required_hex("leaf", 8));
                data.switches.push_back(std::move(leaf_switch));
            });
            data.brand = member_place(reader, "brand");
            data.of_host = member_place(reader, "of_host");
            data.always = known_list(reader, "always", &KnownNames::qemu, "a name that QEMU has for a field");
            data.always_kvm = known_list(reader, "always_kvm", &KnownNames::qemu, "a name that QEMU has for a field");
            data.pmu_for = known_list(reader, "pmu_for", &KnownNames::fields, "a field");
            data.defaults = strings(reader.required_array("defaults"));
            each(reader, "copies", "a copy", [&](ObjectReader& entry, const Value& value) {
                CopiedRegister copy;
                copy.place = one_register(entry, value);
                copy.from = one_register_at(entry.required_object("from"));
                copy.vendors = vendors(entry);
                copy.releases = releases(entry);
                data.copies.push_back(std::move(copy));
            });
            data.copied_bits_for = known_list(reader, "copied_bits_for", &KnownNames::vendors, vendor);
            data.compacted_size = one_register_at(reader.required_object("compacted_size"));
            data.tcg_xsave_layout = reader.required_string("tcg_xsave_layout");
            check(reader.required("tcg_xsave_layout"), data.tcg_xsave_layout, &KnownNames::vendors, vendor);
            data.tcg_xsave_unplaced = known_list(reader, "tcg_xsave_unplaced", &KnownNames::states, state);
            each(reader, "tcg_xsave_states", "states of releases", [&](ObjectReader& entry, const Value&) {
                TcgStates states;
                states.releases = releases(entry);
                if (entry.optional("states") != nullptr) {
                    states.states = known_list(entry, "states", &KnownNames::states, state);
                }
                data.tcg_xsave_states.push_back(std::move(states));
            });
            each(reader, "adds", "a field that QEMU adds", [&](ObjectReader& entry, const Value&) {
                AddedField added;
                added.field = entry.required_string("field");
                check(entry.required("field"), added.field, &KnownNames::fields, field);
                added.where = known_list(entry, "where", &KnownNames::fields, field);
                added.releases = releases(entry);
                sentence(entry, "source");
                data.adds.push_back(std::move(added));
            });
            data.fixed = fixed(reader, [&](ObjectReader& entry, FixedBits& bits) {
                bits.condition = condition(entry);
                if (entry.optional("from") != nullptr) bits.from = entry.required_hex("from", 8);
                if (entry.optional("below") != nullptr) bits.below = entry.required_hex("below", 8);
                bits.releases = releases(entry);
                bits.accelerator = accelerator(entry);
            });
            ObjectReader caches(reader.required_object("caches"), file_.path, "the caches");
            data.caches_until = release(caches.required("until"));
            data.caches = rows(caches, "rows");
            data.without_l3 = rows(caches, "rows_without_l3");
            caches.finish();
        });
        return data;
    }

private:
    std::string accelerator(ObjectReader& reader) const {
        const Value* value = reader.optional("accel");
        if (value == nullptr) return {};
        if (string_of(*value) != "kvm" && string_of(*value) != "tcg") fail(*value, "kvm or tcg");
        return value->text();
    }

    // Whole registers, each a member of a row by its name.
    std::vector<FixedBits> rows(ObjectReader& reader, std::string_view key) const {
        std::vector<FixedBits> all;
        each(reader, key, "a row of caches", [&](ObjectReader& entry, const Value&) {
            FixedBits bits;
            bits.place = place(entry);
            bits.vendors = vendors(entry);
            bits.releases = releases(entry);
            if (entry.optional("if_leaf") != nullptr) {
                bits.if_leaf = static_cast<std::uint32_t>(entry.required_hex("if_leaf", 8));
            }
            bits.why = "QEMU describes the caches of the base model.";
            for (const Register reg : all_registers) {
                const Value* value = entry.optional(to_string(reg));
                if (value == nullptr) continue;
                bits.place.registers = {reg};
                bits.value = value_of(*value, bits.place);
                all.push_back(bits);
            }
        });
        return all;
    }

    // What QEMU turns on with a number.
    std::vector<TurnedOn> turned_on(ObjectReader& reader) const {
        std::vector<TurnedOn> all;
        each(reader, "turns_on", "what a number turns on", [&](ObjectReader& entry, const Value&) {
            all.push_back({entry.required_hex("from", 8), known_list(entry, "fields", &KnownNames::fields, field),
                           releases(entry)});
        });
        return all;
    }

    // What raises the last leaf of a range: to the leaf where the bits are, or to another one.
    std::vector<RaisedBy> raised_by(ObjectReader& reader) const {
        std::vector<RaisedBy> all;
        each(reader, "raised_by", "bits that raise a number", [&](ObjectReader& entry, const Value& value) {
            RaisedBy raised;
            raised.place = one_register(entry, value);
            raised.to = raised.place.leaf_first;
            if (entry.optional("to") != nullptr) raised.to = static_cast<std::uint32_t>(entry.required_hex("to", 8));
            all.push_back(std::move(raised));
        });
        return all;
    }

    ModelNumbers model_numbers(ObjectReader& reader, const QemuData& data) const {
        ModelNumbers result;
        result.models = strings(reader.required_array("models"));
        for (const auto& number : reader.required_object("numbers").members()) {
            const bool is_known = std::any_of(data.numbers.begin(), data.numbers.end(),
                                              [&](const NumberProperty& known) { return known.name == number.first; });
            if (!is_known) fail(number.second, "a number of numbers");
            result.numbers.emplace_back(number.first, json::hex_of(number.second, file_.path, 8));
        }
        return result;
    }

    // What guests see of a number that is not said, by vendor.
    std::vector<ValueForVendors> untold(ObjectReader& reader, const DataPlace& place) const {
        std::vector<ValueForVendors> all;
        each(reader, "untold", "what is not told", [&](ObjectReader& entry, const Value&) {
            all.push_back({vendors(entry), value_of(entry.required("value"), place)});
        });
        return all;
    }

    // QEMU refuses a property that it does not know: its release stands here, or at the field whose name it is.
    std::string property(ObjectReader& reader, std::optional<NameAge>& age) const {
        const std::string& name = reader.required_string("property");
        const Value* since = reader.optional("since");
        if (since != nullptr) age = NameAge{release(*since), std::nullopt};
        if (known_ != nullptr && known_->qemu.contains(name) == (since != nullptr)) {
            fail(reader.required("property"), since != nullptr ? "no since: the field of that name says its release"
                                                               : "since, or a name that QEMU has for a field");
        }
        return name;
    }
};

class LibvirtParser : TargetParser {
public:
    using TargetParser::TargetParser;

    LibvirtData parse() {
        LibvirtData data;
        read("libvirt", [&](ObjectReader& reader) {
            data.plainest = reader.required_string("plainest");
            data.features = strings(reader.required_array("features"));
            for (const auto& [text, name] : reader.required_object("vendors").members()) {
                check(name, text, &KnownNames::vendor_strings, "the name of a CPUID vendor string of rulebook.json");
                data.vendors.emplace_back(text, string_of(name));
            }
            data.always = strings(reader.required_array("always"));
            data.defaults = strings(reader.required_array("defaults"));
            data.keeps = reader.required_string("keeps");
            check(reader.required("keeps"), data.keeps, &KnownNames::numbers, "a number of qemu.json");
            each(reader, "gone", "models that are gone", [&](ObjectReader& entry, const Value&) {
                data.gone.push_back({strings(entry.required_array("models")), sentence(entry, "why")});
                if (const Value* since = entry.optional("since")) release(*since);
                sentence(entry, "source");
            });
            each(reader, "shown", "what models show", [&](ObjectReader& entry, const Value&) {
                data.shown.push_back({strings(entry.required_array("models")),
                                      {number(entry.required("family")), number(entry.required("model")), 0}});
            });
            each(reader, "unsaid", "what libvirt leaves out", [&](ObjectReader& entry, const Value&) {
                LibvirtData::Unsaid unsaid;
                unsaid.vendors = vendors(entry);
                unsaid.family = number(entry.required("family"));
                unsaid.model = number(entry.required("model"));
                if (const Value* below = entry.optional("below_stepping")) unsaid.below_stepping = number(*below);
                unsaid.features = strings(entry.required_array("features"));
                data.unsaid.push_back(std::move(unsaid));
            });
        });
        return data;
    }
};

class ProxmoxParser : TargetParser {
public:
    using TargetParser::TargetParser;

    ProxmoxData parse() {
        ProxmoxData data;
        read("proxmox", [&](ObjectReader& reader) {
            for (const auto& [text, names] : reader.required_object("models").members()) {
                check(names, text, &KnownNames::vendor_strings, "the name of a CPUID vendor string of rulebook.json");
                if (!names.is_array()) fail(names, "an array of models");
                data.models.emplace_back(text, strings(names.items()));
            }
            data.generic = strings(reader.required_array("generic"));
            data.plainest = reader.required_string("plainest");
            data.signature = {number(reader.required("family")), number(reader.required("model")), 0};
            data.features = known_list(reader, "features", &KnownNames::qemu, "a name that QEMU has for a field");
            each(reader, "numbers", "a number", [&](ObjectReader& entry, const Value&) {
                const std::string& name = entry.required_string("property");
                check(entry.required("property"), name, &KnownNames::numbers, "a number of qemu.json");
                data.numbers.push_back({name, entry.required_hex("min", 8), entry.required_hex("max", 8)});
            });
            data.adds = known_list(reader, "adds", &KnownNames::qemu, "a name that QEMU has for a field");
        });
        return data;
    }
};

class RowsParser : protected TargetParser {
public:
    using TargetParser::TargetParser;

protected:
    RowWords words(ObjectReader& reader) const {
        return {ranges(reader, "leaves"), ranges(reader, "caches"), ranges(reader, "computed")};
    }

private:
    std::vector<LeafRange> ranges(ObjectReader& reader, std::string_view key) const {
        std::vector<LeafRange> all;
        for (const Value& value : reader.required_array(key)) {
            const auto [first, last] = hex_range(value);
            all.push_back({first, last});
        }
        return all;
    }
};

class VirtualBoxParser : RowsParser {
public:
    using RowsParser::RowsParser;

    VirtualBoxData parse() {
        VirtualBoxData data;
        read("virtualbox", [&](ObjectReader& reader) {
            data.release = release(reader.required("release"));
            data.words = words(reader);
            each(reader, "switches", "a switch", [&](ObjectReader& entry, const Value&) {
                entry.required("if");
                data.switches.push_back({entry.required_string("option"), condition(entry), vendors(entry)});
            });
            each(reader, "shown", "bits that are shown", [&](ObjectReader& entry, const Value& value) {
                ShownBits bits;
                bits.place = one_register(entry, value);
                bits.mask = entry.required_hex("mask", 8);
                bits.why = sentence(entry, "why");
                data.shown.push_back(std::move(bits));
            });
            each(reader, "highest", "the last leaf of a range", [&](ObjectReader& entry, const Value& value) {
                FixedBits bits;
                bits.place = one_register(entry, value);
                bits.value = value_of(entry.required("value"), bits.place);
                bits.why = sentence(entry, "why");
                data.highest.push_back(std::move(bits));
            });
            data.fixed = fixed(reader, [&](ObjectReader& entry, FixedBits& bits) {
                bits.condition = condition(entry);
                bits.with = with(entry, data.switches);
            });
        });
        return data;
    }

private:
    Condition with(ObjectReader& reader, const std::vector<Switch>& switches) const {
        const Value* value = reader.optional("with");
        if (value == nullptr) return {};
        Condition result = negatable(*value);
        const bool is_known = std::any_of(switches.begin(), switches.end(),
                                          [&](const Switch& entry) { return entry.option == result.name; });
        if (!is_known) fail(*value, "an option of switches, or one after !");
        return result;
    }
};

class VmwareParser : RowsParser {
public:
    using RowsParser::RowsParser;

    VmwareData parse() {
        VmwareData data;
        read("vmware", [&](ObjectReader& reader) {
            data.words = words(reader);
            for (const auto& [id, name] : reader.required_object("names").members()) {
                check(name, id, &KnownNames::fields, field);
                data.names.emplace_back(id, string_of(name));
            }
        });
        return data;
    }
};

template <typename Parser>
auto parse_with(const RulebookFile& file, const KnownNames* known, std::vector<LintFinding>* findings) {
    return Parser(file, known, findings).parse();
}

// The file of a target that the rulebook was linted with.
RulebookFile file_of(const Rulebook& rulebook, const std::string& name) {
    const std::string path = "targets/" + name + ".json";
    for (const TargetFile& target : rulebook.targets) {
        if (target.name == name) return {path, std::string(target.document)};
    }
    throw InputError(path, 0, "a file of the rulebook", "none");
}

}  // namespace

FirecrackerData firecracker_data(const Rulebook& rulebook) {
    return parse_with<FirecrackerParser>(file_of(rulebook, "firecracker"), nullptr, nullptr);
}

KvmData kvm_data(const Rulebook& rulebook) { return parse_with<KvmParser>(file_of(rulebook, "kvm"), nullptr, nullptr); }

QemuData qemu_data(const Rulebook& rulebook) {
    return parse_with<QemuParser>(file_of(rulebook, "qemu"), nullptr, nullptr);
}

LibvirtData libvirt_data(const Rulebook& rulebook) {
    return parse_with<LibvirtParser>(file_of(rulebook, "libvirt"), nullptr, nullptr);
}

ProxmoxData proxmox_data(const Rulebook& rulebook) {
    return parse_with<ProxmoxParser>(file_of(rulebook, "proxmox"), nullptr, nullptr);
}

VirtualBoxData virtualbox_data(const Rulebook& rulebook) {
    return parse_with<VirtualBoxParser>(file_of(rulebook, "virtualbox"), nullptr, nullptr);
}

VmwareData vmware_data(const Rulebook& rulebook) {
    return parse_with<VmwareParser>(file_of(rulebook, "vmware"), nullptr, nullptr);
}

XenTarget xen_data(const Rulebook& rulebook) { return parse_xen(file_of(rulebook, "xen"), nullptr, nullptr); }

void lint_targets(const std::vector<RulebookFile>& files, const SourceRulebook* source,
                  std::vector<LintFinding>& findings) {
    std::optional<KnownNames> known;
    if (source != nullptr) known.emplace(*source);
    const auto check = [&](std::string_view path, const auto& parse) {
        const auto at = std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.path == path; });
        if (at == files.end()) return;
        collect_into(&findings, "", [&] { parse(*at, known ? &*known : nullptr, &findings); });
    };
    const std::size_t before = findings.size();
    check("targets/qemu.json", [&](const auto&... arguments) {
        const QemuData data = parse_with<QemuParser>(arguments...);
        for (const NumberProperty& number : data.numbers) {
            if (known) known->numbers.insert(number.name);
        }
    });
    // A number that could not be read may be the one that is meant.
    if (known && findings.size() != before) known->numbers = known->qemu;
    check("targets/firecracker.json", [](const auto&... arguments) { parse_with<FirecrackerParser>(arguments...); });
    check("targets/kvm.json", [](const auto&... arguments) { parse_with<KvmParser>(arguments...); });
    check("targets/libvirt.json", [](const auto&... arguments) { parse_with<LibvirtParser>(arguments...); });
    check("targets/proxmox.json", [](const auto&... arguments) { parse_with<ProxmoxParser>(arguments...); });
    check("targets/virtualbox.json", [](const auto&... arguments) { parse_with<VirtualBoxParser>(arguments...); });
    check("targets/vmware.json", [](const auto&... arguments) { parse_with<VmwareParser>(arguments...); });
    check("targets/xen.json", [](const auto&... arguments) { parse_xen(arguments...); });
}

}  // namespace poolcpuid::rulebook
