#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "base/hex.hpp"
#include "base/json_parts.hpp"
#include "base/lists.hpp"
#include "base/located_json.hpp"
#include "base/printable.hpp"
#include "dump/host_stream.hpp"
#include "dump/unrecognised.hpp"
#include "policy/document_text.hpp"
#include "policy/policy_v1_0.hpp"
#include "policy/policy_v1_2.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/unpack.hpp"

namespace poolcpuid {

namespace {

using json::ObjectReader;
using json::Value;

constexpr std::string_view policy_schema = "poolcpuid/policy/v1";
constexpr std::string_view any_policy_schema = "poolcpuid/policy/";
constexpr std::string_view any_host_schema = "poolcpuid/host/";

class PolicyReader {
public:
    explicit PolicyReader(std::string_view file) : file_(file) {}

    PoolPolicy read(const Value& document) {
        ObjectReader reader(document, file_, "a policy document");
        const Value& schema = reader.required("schema");
        if (!schema.is_string() || schema.text() != policy_schema) {
            throw InputError(file_, schema.line(), "\"schema\": \"" + std::string(policy_schema) + "\"",
                             json::describe(schema) + (schema.is_string() ? what_else(schema.text()) : ""));
        }
        PoolPolicy policy;
        policy.minor = minor_ = minor(reader);
        reader.optional("annotations");  // the operator's own: whatever they are
        if (minor_ > 1) policy.lean = reader.optional_bool("lean", false);
        policy.pool = reader.required_string("pool");
        policy.vendor = reader.required_string("vendor");
        if (minor_ > 1) {
            if (const std::string* level = reader.optional_string("level")) policy.level = *level;
            policy.features = strings(reader.required_array("features"));
        }
        if (const Value* options = reader.optional_object("options")) policy.options = recorded_options(*options);
        ObjectReader rulebook(reader.required_object("rulebook"), file_, "the rulebook of a policy");
        policy.rulebook_version = rulebook.required_string("version");
        policy.rulebook_sha256 = rulebook.required_string("sha256");
        rulebook.finish();
        const std::vector<Value>& hosts = reader.required_array("hosts");
        if (hosts.empty()) throw InputError(file_, reader.required("hosts").line(), "one host or more", "none");
        for (const Value& entry : hosts) {
            policy.hosts.push_back(host_class(entry));
            note_host(policy.hosts.back(), entry);
            note_cpus(policy.hosts.back());
        }
        policy.names_sha256 = reader.required_string("names_sha256");
        read_cpuid(reader.required_array("cpuid"), policy);
        read_msrs(reader.required_array("msrs"), policy);
        for (const Value& entry : reader.required_array("owned")) policy.owned.push_back(owned(entry));
        for (const Value& entry : reader.required_array("decisions"))
            policy.decisions.push_back(decision(entry, policy));
        for (const Value& entry : reader.required_array("findings")) policy.findings.push_back(finding(entry));
        reader.finish();
        check_vendor(document, policy);
        if (policy.minor == 0) add_causes(policy);
        if (policy.minor < 3) add_deciders(policy);
        return policy;
    }

private:
    unsigned minor(ObjectReader& reader) const {
        const Value* value = reader.optional("minor");
        if (value == nullptr) return 0;
        const auto number = json::unsigned_of(*value);
        if (!number || *number == 0 || *number > policy_minor) {
            throw InputError(
                file_, value->line(),
                "\"minor\": 1 to " + std::to_string(policy_minor) + ", or none of a document of version 1.0",
                json::describe(*value));
        }
        return static_cast<unsigned>(*number);
    }

    std::vector<std::string> strings(const std::vector<Value>& values) const {
        std::vector<std::string> result;
        for (const Value& value : values) {
            if (!value.is_string()) throw InputError(file_, value.line(), "a string", json::describe(value));
            result.push_back(value.text());
        }
        return result;
    }

    // The value that the word stands for.
    template <typename Lookup>
    auto named(const Value& value, Lookup lookup, const char* expected) const {
        const auto found = value.is_string() ? lookup(value.text()) : std::nullopt;
        if (!found) throw InputError(file_, value.line(), expected, json::describe(value));
        return *found;
    }

    std::size_t count(const Value& value) const {
        const auto result = json::unsigned_of(value);
        if (!result) throw InputError(file_, value.line(), "a count", json::describe(value));
        return *result;
    }

    // Of hosts, of which names are some.
    std::size_t count_with(const Value& value, const std::vector<std::string>& names) const {
        const std::size_t result = count(value);
        if (result >= names.size()) return result;
        throw InputError(file_, value.line(), "a count of the " + counted(names.size(), "host") + " named, and more",
                         json::describe(value));
    }

    static const char* what_else(std::string_view schema) {
        if (schema.starts_with(any_policy_schema)) return ", a policy of another version";
        return schema.starts_with(any_host_schema) ? ", a host's dump (merge makes a policy of it)" : "";
    }

    // A number in its one spelling: in lower case, with zeros in front up to so many digits. most: it may have.
    std::uint64_t number(const Value& value, std::size_t digits = 1, std::size_t most = 16) const {
        const std::uint64_t result = json::hex_of(value, file_, most);
        const std::string spelling = to_hex(result, digits);
        if (value.text() != spelling) {
            throw InputError(file_, value.line(), "\"" + spelling + "\"", json::describe(value));
        }
        return result;
    }

    // Likewise one of 32 bits.
    std::uint32_t number_32(ObjectReader& reader, std::string_view key, std::size_t digits = 1) const {
        return static_cast<std::uint32_t>(number(reader.required(key), digits, 8));
    }

    static void sort(std::vector<std::string>& names) { std::sort(names.begin(), names.end()); }

    RecordedOptions recorded_options(const Value& entry) const {
        ObjectReader reader(entry, file_, "the options of a policy");
        RecordedOptions options;
        if (const std::string* text = reader.optional_string("identity")) options.identity = *text;
        if (const std::string* text = reader.optional_string("ceiling")) options.ceiling_level = *text;
        if (const Value* ceiling = reader.optional_object("ceiling_policy")) {
            ObjectReader inner(*ceiling, file_, "the ceiling of a policy");
            options.ceiling_policy = {inner.required_string("pool"), inner.required_string("sha256")};
            inner.finish();
        }
        if (const auto* hide = reader.optional_array("hide")) options.hide = strings(*hide);
        if (const auto* show = reader.optional_array("show")) options.show = strings(*show);
        if (const Value* set = reader.optional_object("set")) {
            for (const auto& [field, value] : set->members()) {
                options.set.emplace_back(field, to_hex(number(value)));
            }
        }
        reader.finish();
        sort(options.hide);
        sort(options.show);
        std::sort(options.set.begin(), options.set.end());
        return options;
    }

    HostClass host_class(const Value& entry) const {
        ObjectReader reader(entry, file_, "a class of hosts");
        HostClass host;
        host.sha256 = reader.required_string("sha256");
        host.format = reader.required_string("format");
        host.views = strings(reader.required_array("views"));
        if (minor_ > 1) host.facts = host_facts(reader);
        host.names = strings(reader.required_array("names"));
        host.count = count_with(reader.required("count"), host.names);
        reader.finish();
        return host;
    }

    HostFacts host_facts(ObjectReader& reader) const {
        HostFacts facts;
        if (const Value* cpu = reader.optional_object("cpu")) facts.cpu = host_cpu(*cpu);
        if (reader.optional("microcode") != nullptr) facts.microcode = number_32(reader, "microcode");
        if (const std::string* kernel = reader.optional_string("kernel")) facts.kernel = *kernel;
        if (const std::string* vmm = reader.optional_string("vmm")) facts.vmm = *vmm;
        if (minor_ > 2) facts.is_virtual = reader.optional_bool("virtual", false);
        return facts;
    }

    Cpu host_cpu(const Value& entry) const {
        ObjectReader reader(entry, file_, "the CPU of a host");
        Cpu cpu;
        if (const std::string* name = reader.optional_string("name")) cpu.name = *name;
        if (const std::string* name = reader.optional_string("microarchitecture")) cpu.microarchitecture = *name;
        for (const auto& [key, number] : {std::pair("family", &Cpu::family), std::pair("model", &Cpu::model),
                                          std::pair("stepping", &Cpu::stepping)}) {
            const Value& value = reader.required(key);
            const std::size_t stated = count(value);
            cpu.*number = static_cast<std::uint16_t>(stated);
            if (cpu.*number != stated)
                throw InputError(file_, value.line(), "a number of 16 bits", json::describe(value));
        }
        reader.finish();
        return cpu;
    }

    // The CPUs of a list of hosts: as stated or, of a list that is whole, as the classes of hosts say.
    CpuCounts cpus(ObjectReader& reader, const char* key, const std::vector<std::string>& names) const {
        CpuCounts result;
        if (minor_ < 2) return result;
        if (const Value* stated = reader.optional_object(key)) {
            for (const auto& [cpu, hosts] : stated->members()) result[cpu] = count(hosts);
            return result;
        }
        for (const std::string& name : names) {
            const auto cpu = cpu_of_host_.find(name);
            if (cpu != cpu_of_host_.end()) ++result[cpu->second];
        }
        return result;
    }

    // A class is the hosts of one content, and a name is one host's.
    void note_host(const HostClass& host, const Value& entry) {
        const auto check = [&](bool is_new, const std::string& which) {
            if (!is_new) throw InputError(file_, entry.line(), "each host once", which + " again");
        };
        check(digests_.insert(host.sha256).second, "\"sha256\": \"" + printable(host.sha256) + '"');
        for (const std::string& name : host.names) check(hosts_.insert(name).second, '"' + printable(name) + '"');
    }

    void note_cpus(const HostClass& host) {
        if (!host.facts.cpu) return;
        for (const std::string& name : host.names) cpu_of_host_.emplace(name, short_text(*host.facts.cpu));
    }

    void read_cpuid(const std::vector<Value>& entries, PoolPolicy& policy) const {
        for (const Value& entry : entries) {
            ObjectReader reader(entry, file_, "a CPUID row");
            CpuidRow row;
            row.key.leaf = number_32(reader, "leaf");
            row.key.subleaf = number_32(reader, "subleaf");
            for (const Register reg : all_registers) {
                row.value[reg] = number_32(reader, to_string(reg), 8);
            }
            reader.finish();
            if (!policy.cpuid.empty() && !(policy.cpuid.back().key < row.key)) {
                throw InputError(file_, entry.line(), "CPUID rows in rising order, each once",
                                 "leaf " + to_hex(row.key.leaf));
            }
            policy.cpuid.push_back(row);
        }
    }

    void read_msrs(const std::vector<Value>& entries, PoolPolicy& policy) const {
        for (const Value& entry : entries) {
            ObjectReader reader(entry, file_, "an MSR row");
            MsrRow row;
            row.index = number_32(reader, "index");
            row.value = number(reader.required("value"), 16);
            reader.finish();
            if (!policy.msrs.empty() && policy.msrs.back().index >= row.index) {
                throw InputError(file_, entry.line(), "MSR rows in rising order, each once", to_hex(row.index));
            }
            policy.msrs.push_back(row);
        }
    }

    // A number of a range, in its one spelling.
    template <typename Number>
    Number part(const Value& value, std::string_view text, int base) const {
        const std::string_view digits = base == 16 && text.starts_with("0x") ? text.substr(2) : text;
        Number result = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result, base);
        const bool is_number = !digits.empty() && error == std::errc{} && end == digits.data() + digits.size();
        if (!is_number) throw InputError(file_, value.line(), "a number or a range", json::describe(value));
        const std::string spelling = base == 16 ? to_hex(result) : std::to_string(result);
        if (text != spelling) {
            throw InputError(file_, value.line(), "\"" + spelling + "\"", json::describe(value));
        }
        return result;
    }

    // The two halves of "A-B" or "A:B", or "A" twice.
    static std::pair<std::string_view, std::string_view> halves(std::string_view text, char separator) {
        const std::size_t at = text.find(separator);
        if (at == std::string_view::npos) return {text, text};
        return {text.substr(0, at), text.substr(at + 1)};
    }

    BitPlace place(ObjectReader& reader) const {
        BitPlace place;
        if (reader.optional("msr") != nullptr) {
            place.is_msr = true;
            place.leaf = number_32(reader, "msr");
        } else {
            place.leaf = number_32(reader, "leaf");
            const std::string& text = reader.required_string("subleaf");
            const Value& subleaf = *reader.optional("subleaf");
            const auto [first, last] = halves(text, '-');
            place.subleaf_first = part<std::uint32_t>(subleaf, first, 16);
            place.subleaf_last = part<std::uint32_t>(subleaf, last, 16);
            if (place.subleaf_first > place.subleaf_last) {
                throw InputError(file_, subleaf.line(), "a range of subleaves, the low one first",
                                 json::describe(subleaf));
            }
            place.reg = register_of(reader.required("register"));
        }
        const std::string& text = reader.required_string("bits");
        const Value& bits = *reader.optional("bits");
        const auto [high, low] = halves(text, ':');
        place.high = part<std::uint8_t>(bits, high, 10);
        place.low = part<std::uint8_t>(bits, low, 10);
        if (place.low > place.high || place.high >= (place.is_msr ? 64 : 32)) {
            throw InputError(file_, bits.line(), "bits of the register, the high one first", json::describe(bits));
        }
        return place;
    }

    Register register_of(const Value& value) const {
        for (const Register reg : all_registers) {
            if (value.is_string() && value.text() == to_string(reg)) return reg;
        }
        throw InputError(file_, value.line(), "eax, ebx, ecx or edx", json::describe(value));
    }

    BitPlace owned(const Value& entry) const {
        ObjectReader reader(entry, file_, "owned bits");
        const BitPlace result = place(reader);
        reader.finish();
        return result;
    }

    Decision decision(const Value& entry, const PoolPolicy& policy) const {
        ObjectReader reader(entry, file_, "a decision");
        Decision decision;
        decision.field = reader.required_string("field");
        decision.place = place(reader);
        decision.rule = reader.required_string("rule");
        decision.value = number(reader.required("value"));
        for (const Value& value : reader.required_array("values"))
            decision.values.push_back(value_of_hosts(value, policy.minor > 0));
        decision.because.names = strings(reader.required_array("because"));
        if (policy.minor > 0) read_cause(reader, decision);
        if (policy.minor > 2) read_deciders(reader, decision);
        if (const std::vector<Value>* ids = reader.optional_array("mitigates")) decision.mitigates = strings(*ids);
        decision.reason = reader.required_string("reason");
        reader.finish();
        check_decision(entry, decision, policy);
        return decision;
    }

    ValueOfHosts value_of_hosts(const Value& entry, bool may_have_place) const {
        ObjectReader reader(entry, file_, "a value of a decision");
        ValueOfHosts seen;
        if (reader.required_string("value") != document::value_word({})) seen.value = number(reader.required("value"));
        if (may_have_place && reader.optional("offset") != nullptr) {
            seen.at = StatePlace{number_32(reader, "offset"), reader.optional_bool("aligned", false)};
        }
        seen.hosts = strings(reader.required_array("hosts"));
        seen.count = count_with(reader.required("count"), seen.hosts);
        seen.cpus = cpus(reader, "cpus", seen.hosts);
        reader.finish();
        return seen;
    }

    // What version 1.1 added: the cause as data.
    void read_cause(ObjectReader& reader, Decision& decision) const {
        decision.cause = named(reader.required("cause"), cause_named, "a cause");
        if (const std::vector<Value>* ids = reader.optional_array("on")) decision.on = strings(*ids);
        decision.because.count = count_with(reader.required("because_count"), decision.because.names);
        decision.because.cpus = cpus(reader, "because_cpus", decision.because.names);
        if (const std::string* state = reader.optional_string("state")) decision.state = *state;
        if (reader.optional("scrubs") != nullptr) decision.scrubs = reader.optional_bool("scrubs", false);
        if (const std::vector<Value>* remarks = reader.optional_array("remarks")) {
            for (const Value& entry : *remarks) decision.remarks.push_back(remark(entry));
        }
    }

    // What version 1.3 added: who decided by not being known.
    void read_deciders(ObjectReader& reader, Decision& decision) const {
        const Value* known = reader.optional_object("because_known");
        const Value* unknown = reader.optional_object("because_unknown");
        if (unknown == nullptr && known == nullptr) return;
        if (known != nullptr) decision.because_known = kind_of_deciders(*known);
        if (unknown != nullptr) decision.because_unknown = kind_of_deciders(*unknown);
        const std::size_t count = decision.because_known.count + decision.because_unknown.count;
        if (unknown != nullptr && count == decision.because.count) return;
        reader.fail(*(unknown != nullptr ? unknown : known),
                    "the hosts of \"because\" that decided by not being known, and as \"because_known\" the others");
    }

    HostList kind_of_deciders(const Value& entry) const {
        ObjectReader reader(entry, file_, "the hosts that decided in one way");
        HostList hosts = host_list(reader);
        reader.finish();
        if (hosts.count == 0) reader.fail(entry, "at least one host");
        return hosts;
    }

    Remark remark(const Value& entry) const {
        ObjectReader reader(entry, file_, "a remark on hosts");
        Remark remark;
        remark.kind = named(reader.required("kind"), remark_kind_named, "modelled, implied or withheld");
        if (const std::string* kernel = reader.optional_string("kernel")) remark.kernel = *kernel;
        remark.hosts = host_list(reader);
        reader.finish();
        return remark;
    }

    // A decision that contradicts the registers means that one of them was changed by hand.
    void check_decision(const Value& entry, const Decision& decision, const PoolPolicy& policy) const {
        const std::uint64_t shown = PolicyRegisters(policy).value(decision.place);
        if (shown != decision.value) {
            throw InputError(
                file_, entry.line(),
                "the value " + to_hex(decision.value) + " that the decision on " + decision.field + " states",
                to_hex(shown) + " in the registers");
        }
    }

    Finding finding(const Value& entry) const {
        ObjectReader reader(entry, file_, "a finding");
        Finding finding;
        const Value& severity = reader.required("severity");
        finding.severity = severity_of(severity);
        finding.code = reader.required_string("code");
        finding.message = reader.required_string("message");
        if (const std::string* field = reader.optional_string("field")) finding.field = *field;
        if (minor_ > 1) {
            finding.hosts = host_list(reader);
        } else {
            finding.hosts.names = strings(reader.required_array("hosts"));
            finding.hosts.count = finding.hosts.names.size();
        }
        reader.finish();
        return finding;
    }

    HostList host_list(ObjectReader& reader) const {
        HostList hosts;
        hosts.names = strings(reader.required_array("hosts"));
        hosts.count = count_with(reader.required("count"), hosts.names);
        hosts.cpus = cpus(reader, "cpus", hosts.names);
        return hosts;
    }

    Severity severity_of(const Value& value) const {
        for (const Severity severity : {Severity::error, Severity::warning, Severity::note}) {
            if (value.is_string() && value.text() == to_string(severity)) return severity;
        }
        throw InputError(file_, value.line(), "error, warning or note", json::describe(value));
    }

    void check_vendor(const Value& document, const PoolPolicy& policy) const {
        const CpuidTable table{policy.cpuid, {}};
        const auto string = vendor_string(table);
        if (!string || *string != policy.vendor) {
            throw InputError(file_, document.line(), "leaf 0 with the vendor \"" + policy.vendor + "\"",
                             string ? "\"" + *string + "\"" : "no leaf 0");
        }
    }

    std::string file_;
    unsigned minor_ = 0;
    std::set<std::string> digests_;                   // of the classes
    std::set<std::string> hosts_;                     // the names that they list
    std::map<std::string, std::string> cpu_of_host_;  // by the names that the classes list
};

// A policy is read as it stands, for who compares files or digests means these bytes.
void refuse_wrapped(std::string_view bytes, std::string_view file) {
    const bool is_utf16 = bytes.starts_with('\xFF') || bytes.starts_with('\xFE');  // no byte of UTF-8
    if (!is_utf16 && !is_packed(bytes)) return;
    throw InputError(
        std::string(file), 0, "a policy document",
        is_utf16 ? dump::describe_unrecognised(bytes).what : "compressed data or an archive (unpack it first)");
}

}  // namespace

PoolPolicy read_policy(std::string_view bytes, std::string_view file) {
    refuse_wrapped(bytes, file);
    if (bytes.size() > limits::dump_bytes) {
        throw InputError(std::string(file), 0, "at most " + std::to_string(limits::dump_bytes) + " bytes",
                         std::to_string(bytes.size()));
    }
    return PolicyReader(file).read(json::parse(bytes, file));
}

bool is_policy(std::string_view bytes) {
    bytes = dump::without_byte_order_mark(bytes);
    const std::size_t begin = bytes.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos || bytes[begin] != '{') return false;
    try {
        // First in a document of ours; anywhere in one whose keys a tool has sorted.
        json::Parts members(bytes, {}, 1);
        while (const auto member = members.next()) {
            if (member->key != "schema") continue;
            const std::string_view schema = member->text;
            return schema.starts_with('"' + std::string(any_policy_schema)) && schema.ends_with('"');
        }
    } catch (const InputError&) {  // no JSON, which whoever reads it then refuses
    }
    return false;
}

}  // namespace poolcpuid
