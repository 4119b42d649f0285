// The answer of QEMU's monitor to query-cpu-model-expansion: which of its features a model has here, by QEMU's names.
// With "type": "full" it lists all that this QEMU knows, true or false: of the models "host" and "max", what a guest on
// this host can be given.
//
//   {"return": {"model": {"name": "max", "props": {"vendor": "GenuineIntel", "family": 6, "avx2": true, …}}}}
#include <optional>
#include <string>
#include <string_view>

#include "base/json_parts.hpp"
#include "base/located_json.hpp"
#include "base/located_text.hpp"
#include "base/printable.hpp"
#include "dump/json_reader.hpp"
#include "dump/line_reader.hpp"
#include "dump/named_features.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view props_mark = "\"props\"";

// libvirt's cpu-gather.sh expands "host" statically, what it is answered ("base") fully, and calls that answer so.
constexpr std::string_view gathered_id = "model-expansion";

// An answer, and the line of the text on which it begins.
struct QmpAnswer {
    Source source;
    std::size_t line = 1;
};

// What a monitor says in a row are the answers to several questions, as in the records that libvirt tests with: the one
// that counts is the only one with a model's properties.
QmpAnswer answer_with_props(const Source& source) {
    LocatedText text(source.bytes);
    std::optional<QmpAnswer> found;
    for (text.go_over_blanks(); !text.rest().empty(); text.go_over_blanks()) {
        const std::size_t length = json::bracketed_length(text.rest(), json::Brackets::of_objects).value_or(0);
        if (length == 0 || !text.rest().starts_with('{')) return {source};  // for the parser to refuse
        const std::string_view answer = text.rest().substr(0, length);
        if (answer.find(props_mark) != std::string_view::npos) {
            if (found) {
                throw InputError(std::string(source.file), text.line(),
                                 "one answer to query-cpu-model-expansion, the full one",
                                 "another after that on line " + std::to_string(found->line));
            }
            found = QmpAnswer{{answer, source.file}, text.line()};
        }
        text.go_over(length);
    }
    return found.value_or(QmpAnswer{source});
}

class QmpModelReader : JsonReader {
public:
    explicit QmpModelReader(const QmpAnswer& answer) : JsonReader(answer.source, answer.line) {}

    HostDump read() {
        const json::Value& model = member(member(document(), "return"), "model");
        check_is_of_host(model);
        const json::Value& props = member(model, "props");
        NamedFeatures features(Tongue::qemu, Speaker::of_guests);
        const json::Value* vendor = props.find("vendor");
        if (vendor == nullptr || !vendor->is_string() || !features.set_vendor(vendor->text())) {
            refuse(vendor == nullptr ? props : *vendor,
                   "a vendor of CPUs with CPUID as \"vendor\" (ask for the expansion "
                   "of type full)",
                   vendor == nullptr ? "none" : json::describe(*vendor));
        }
        set_signature(props, features);
        features.set_constants_of_qemu();
        for (const auto& [name, value] : props.members()) {
            if (value.type() == json::Value::Type::boolean) features.set(name, value.boolean());
        }
        HostDump dump;
        dump.hypervisor.emplace();
        dump.hypervisor->name = "qemu";
        dump.hypervisor->cpuid = features.finish();
        return dump;
    }

private:
    const json::Value& member(const json::Value& value, const char* key) const {
        const json::Value* found = value.is_object() ? value.find(key) : nullptr;
        if (found == nullptr || !found->is_object()) {
            refuse(value, std::string("an object \"") + key + "\", as query-cpu-model-expansion answers",
                   found == nullptr ? "none" : json::describe(*found));
        }
        return *found;
    }

    // A named model has what its definition lists: QEMU expands it without a look at what this host can give
    // (x86_cpu_from_model of its target/i386). A full expansion repeats the name that was asked for, a static one calls
    // every model "base".
    void check_is_of_host(const json::Value& model) const {
        const json::Value* name = model.find("name");
        const auto is = [&](std::string_view text) {
            return name != nullptr && name->is_string() && name->text() == text;
        };
        if (is("host") || is("max") || (is("base") && is_gathered())) return;
        std::string found = name == nullptr ? "none" : json::describe(*name);
        if (name != nullptr)
            found += is("base") ? ", as an expansion of type static calls every model"
                                : ", which has what its definition lists on every host";
        refuse(name == nullptr ? model : *name, "QEMU's model \"host\" or \"max\"",
               found + " (ask for the expansion of type full of \"host\", or of \"max\" without KVM)");
    }

    bool is_gathered() const {
        const json::Value* id = document().find("id");
        return id != nullptr && id->is_string() && id->text() == gathered_id;
    }

    void set_signature(const json::Value& props, NamedFeatures& features) const {
        const auto number = [&](const char* key) -> std::optional<std::uint64_t> {
            const json::Value* value = props.find(key);
            return value == nullptr ? std::nullopt : json::unsigned_of(*value);
        };
        const auto family = number("family");
        const auto model = number("model");
        const auto stepping = number("stepping");
        if (!family || !model || !stepping) return;
        if (!features.set_signature(*family, *model, *stepping)) {
            refuse(*props.find("family"), "family, model and stepping as CPUID has them", "others");
        }
    }
};

}  // namespace

bool is_qmp_model(std::string_view bytes) noexcept {
    const auto has = [&](std::string_view word) { return bytes.find(word) != std::string_view::npos; };
    return first_character(bytes) == '{' && has("\"return\"") && has(props_mark);
}

HostDump read_qmp_model(const Source& source) { return QmpModelReader(answer_with_props(source)).read(); }

}  // namespace poolcpuid::dump
