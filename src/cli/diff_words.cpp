#include "cli/diff_words.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

using document::place_text;

namespace {

std::string label_of(const FieldChange& change, bool two_vendors) {
    if (change.direction != Direction::none) {
        const std::string of = change.mitigates.empty() ? "" : "mitigation (" + joined(change.mitigates) + "), ";
        const char* standing = change.given   ? ", not seen, but given by every hypervisor"
                               : change.known ? ""
                                              : ", not known";
        return of + std::string(to_string(change.impact)) + standing;
    }
    if (change.rule.empty()) return "not in the rulebook";
    if (two_vendors) return "registers";
    if (change.rule == "derive") return "derived";
    if (change.rule == "identity") return "identity";
    if (change.rule == "owned") return "owned";
    if (change.rule == "hide") return "hidden";
    return "the same promise";
}

std::string class_text(const HostClass& host) {
    std::vector<std::string> names = host.names;
    if (host.count > names.size()) names.push_back(std::to_string(host.count - names.size()) + " more");
    return joined(names) + " (" + host.sha256.substr(0, digest_digits) + ")";
}

std::string microcode_text(const HostFacts& facts) { return facts.microcode ? to_hex(*facts.microcode) : "not known"; }

std::string kernel_text(const HostFacts& facts) { return facts.kernel.empty() ? "not known" : printable(facts.kernel); }

std::string cpu_text(const HostFacts& facts) { return facts.cpu ? full_text(*facts.cpu) : "not known"; }

// "microcode 0x1f -> 0x49": the facts that differ.
std::vector<std::string> changed_facts(const HostFacts& before, const HostFacts& after) {
    std::vector<std::string> facts;
    if (before.cpu != after.cpu) facts.push_back(cpu_text(before) + " -> " + cpu_text(after));
    if (before.microcode != after.microcode)
        facts.push_back("microcode " + microcode_text(before) + " -> " + microcode_text(after));
    if (before.kernel != after.kernel) facts.push_back("kernel " + kernel_text(before) + " -> " + kernel_text(after));
    return facts;
}

bool have_same_names(const HostPair& hosts) {
    return hosts.before.names == hosts.after.names && hosts.before.count == hosts.after.count;
}

// "node-3 (13bee307dd48): microcode 0x1f -> 0x49", of the same content under the same names.
std::string retold_text(const HostPair& hosts) {
    std::vector<std::string> facts = changed_facts(hosts.before.facts, hosts.after.facts);
    if (hosts.before.facts.vmm != hosts.after.facts.vmm) {
        const auto text_of = [](const HostFacts& of) { return of.vmm.empty() ? "not known" : printable(of.vmm); };
        facts.push_back("VMM " + text_of(hosts.before.facts) + " -> " + text_of(hosts.after.facts));
    }
    if (hosts.before.format != hosts.after.format)
        facts.push_back("format " + printable(hosts.before.format) + " -> " + printable(hosts.after.format));
    if (hosts.before.views != hosts.after.views) {
        facts.push_back("views " + printable(joined(hosts.before.views)) + " -> " +
                        printable(joined(hosts.after.views)));
    }
    return class_text(hosts.after) + ": " + joined(facts);
}

// "node-3 (microcode 0x1f -> 0x49)", or where no such fact differs, the digests.
std::string recapture_text(const HostPair& hosts) {
    std::vector<std::string> facts = changed_facts(hosts.before.facts, hosts.after.facts);
    if (facts.empty()) {
        facts.push_back(hosts.before.sha256.substr(0, digest_digits) + " -> " +
                        hosts.after.sha256.substr(0, digest_digits));
    }
    return joined(hosts.after.names) + " (" + joined(facts) + ")";
}

template <typename Entry, typename Text>
void put_list(const char* what, const std::vector<Entry>& entries, Text text_of, std::vector<std::string>& out) {
    std::vector<std::string> parts;
    for (const Entry& entry : entries) {
        std::string part = text_of(entry);
        if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(std::move(part));
    }
    if (!parts.empty()) out.push_back(what + short_list(parts, most_fields));
}

std::string finding_text(const Finding& finding) {
    const std::string what = std::string(to_string(finding.severity)) + " " + finding.code;
    if (!finding.field.empty()) return what + " (" + finding.field + ")";
    return finding.hosts.count == 0 ? what : what + " (" + document::enumerate(finding.hosts) + ")";
}

// The names that are in one list and not in another, both complete and sorted.
std::vector<std::string> only_in(const HostList& hosts, const HostList& others) {
    std::vector<std::string> names;
    std::set_difference(hosts.names.begin(), hosts.names.end(), others.names.begin(), others.names.end(),
                        std::back_inserter(names));
    return names;
}

// "error verw-promise-lost (md_clear): no longer of s1": how the hosts changed or, where they did not, that the words
// did.
std::string changed_finding_text(const FindingPair& finding) {
    const HostList& before = finding.before.hosts;
    const HostList& after = finding.after.hosts;
    std::string text = std::string(to_string(finding.after.severity)) + " " + finding.after.code;
    if (!finding.after.field.empty()) text += " (" + finding.after.field + ")";
    text += ": ";
    if (before.names == after.names && before.count == after.count) return text + "in other words";
    const bool all_listed = before.names.size() == before.count && after.names.size() == after.count;
    if (!all_listed) return text + document::enumerate(before) + " -> " + document::enumerate(after);
    const std::vector<std::string> left = only_in(before, after);
    const std::vector<std::string> came = only_in(after, before);
    if (!left.empty()) text += "no longer of " + enumerate(left);
    if (!came.empty()) text += (left.empty() ? "also of " : ", now of ") + enumerate(came);
    return text;
}

std::string rulebook_text(const DiffSide& side) {
    return side.rulebook_version + " (" + side.rulebook_sha256.substr(0, digest_digits) + ")";
}

// Decisions on fields of which the list of changes does not speak.
std::vector<std::string> untold(const Difference& difference) {
    std::set<std::string> told;
    for (const FieldChange& change : difference.changes) told.insert(change.field);
    std::vector<std::string> fields = difference.provenance.decisions;
    std::erase_if(fields, [&](const std::string& field) { return told.contains(field); });
    return fields;
}

}  // namespace

std::vector<DirectionGroup> grouped(const Difference& difference) {
    std::vector<DirectionGroup> directions;
    for (const FieldChange& change : difference.changes) {
        if (directions.empty() || directions.back().direction != change.direction) {
            directions.push_back({change.direction, 0, {}, {}});
        }
        DirectionGroup& direction = directions.back();
        ++direction.count;
        const std::string label = label_of(change, difference.is_of_two_vendors());
        auto group = std::find_if(direction.groups.begin(), direction.groups.end(), [&](const ChangeGroup& candidate) {
            return candidate.label == label && candidate.migrated == change.migrated;
        });
        if (group == direction.groups.end()) {
            group = direction.groups.insert(direction.groups.end(), {label, change.migrated, {}});
        }
        group->changes.push_back(&change);
        auto& sentences = direction.restarted;
        if (std::find(sentences.begin(), sentences.end(), change.restarted) == sentences.end()) {
            sentences.push_back(change.restarted);
        }
    }
    return directions;
}

std::string beliefs_title(const BeliefChanges& beliefs) {
    return "What a guest then says of vulnerabilities, once restarted (" + beliefs.kernel.name + ")";
}

std::string where_false(const FalseBelief& belief, const CpuNames& cpus) {
    const auto on = [&](const std::vector<std::string>& hosts) {
        return "on " + document::enumerate(list_of(hosts, cpus));
    };
    if (belief.hosts_before == belief.hosts_after) return on(belief.hosts_after) + ", restarted or not";
    std::string text;
    if (!belief.hosts_before.empty()) text = on(belief.hosts_before) + " until restarted";
    if (belief.hosts_after.empty()) return text;
    return text + (text.empty() ? "" : "; ") + on(belief.hosts_after) + " once restarted";
}

std::string falsely_safe_title(const BeliefChanges& beliefs) {
    return "Falsely safe: the guest does nothing against it, or what has no effect there (" + beliefs.kernel.name + ")";
}

const char* title_of(const Difference& difference, Direction direction) {
    switch (direction) {
        case Direction::loses: return "Loses promises";
        case Direction::both: return "Changes both ways";
        case Direction::relaxes: return "Relaxes: guests are told of what was not so";
        case Direction::gains: return "Gains promises";
        case Direction::none: break;
    }
    return difference.is_of_two_vendors() ? "Shows other values, which promise by vendor" : "Changes no promise";
}

std::string verdict_text(const Difference& difference) {
    if (difference.equal_registers) {
        if (!difference.changes.empty()) return "The registers are equal; what the model table makes of them is not.";
        return difference.provenance.empty() ? "No difference."
                                             : "The registers are equal; only the provenance differs.";
    }
    if (difference.changes.empty()) {
        return "The registers differ, but no field that the merge looks at: other logical CPUs, or another view.";
    }
    const auto breaks = std::count_if(difference.changes.begin(), difference.changes.end(),
                                      [](const FieldChange& change) { return change.breaks(); });
    if (breaks == 0) return "The registers differ; no promise is broken for a running guest.";
    return "The registers differ; " +
           counted(static_cast<std::size_t>(breaks), "change breaks a promise", "changes break promises") +
           " of a running guest.";
}

std::string name_of(const Rulebook& rulebook, const FieldChange& change) {
    if (change.field == stray_change) return place_text(change.place);
    return document::field_text(rulebook, change.field, change.place);
}

bool has_values(const Rulebook& rulebook, const FieldChange& change) {
    const bool is_flag = change.place.low == change.place.high && rulebook.find(change.field) != no_field;
    const bool is_bit = change.before.size() == 3 && change.after.size() == 3;  // "0x0", "0x1"
    return !is_flag || !is_bit || change.before == change.after;
}

std::vector<std::string> belief_advice(const Difference& difference, const std::string& after) {
    std::vector<std::string> sentences;
    if (!difference.beliefs) return sentences;
    const BeliefChanges& beliefs = *difference.beliefs;
    std::map<std::vector<std::string>, std::vector<std::string>> mended;  // ids by the hosts where a restart helps
    for (const FalseBelief& belief : beliefs.falsely_safe) {
        if (belief.hosts_after.empty()) mended[belief.hosts_before].push_back(belief.id);
    }
    for (const auto& [hosts, ids] : mended) {
        sentences.push_back("Restart the guests with " + after + ": until then they are falsely safe from " +
                            enumerate(ids) + " on " + document::enumerate(list_of(hosts, beliefs.cpus)) + ".");
    }
    for (const FalseBelief& belief : beliefs.falsely_safe) {
        if (belief.hosts_after.empty()) continue;
        std::string text = belief.id + " on " + document::enumerate(list_of(belief.hosts_after, beliefs.cpus)) +
                           ": a restart with " + after + " leaves guests falsely safe.";
        for (const AuditAdvice& advice : belief.advice) {
            const bool about_others = !advice.hosts.empty() && advice.hosts != belief.hosts_after;
            const std::string on = about_others ? document::enumerate(list_of(advice.hosts, beliefs.cpus)) + ": " : "";
            text += " " + on + advice.text;
        }
        sentences.push_back(std::move(text));
    }
    return sentences;
}

std::vector<std::string> other_differences(const Difference& difference) {
    const Provenance& provenance = difference.provenance;
    std::vector<std::string> out;
    if (provenance.rulebook) {
        out.push_back("rulebook: " + rulebook_text(difference.before) + " -> " + rulebook_text(difference.after));
    }
    if (provenance.options) {
        out.push_back("options: " + difference.before.options + " -> " + difference.after.options);
    }
    if (provenance.pool && difference.equal_registers) {
        out.push_back("pool: " + difference.before.name + " -> " + difference.after.name);
    }
    put_list("hosts that are no longer there: ", provenance.hosts_removed, class_text, out);
    put_list("new hosts: ", provenance.hosts_added, class_text, out);
    std::vector<HostPair> renamed = provenance.hosts_renamed;
    const auto retold = std::stable_partition(renamed.begin(), renamed.end(),
                                              [](const HostPair& hosts) { return !have_same_names(hosts); });
    put_list(
        "hosts of the same content under other names: ", std::vector(renamed.begin(), retold),
        [](const HostPair& hosts) { return class_text(hosts.before) + " -> " + class_text(hosts.after); }, out);
    put_list("hosts of which something else is said: ", std::vector(retold, renamed.end()), retold_text, out);
    put_list("hosts that were captured again: ", provenance.hosts_recaptured, recapture_text, out);
    const bool same_classes = provenance.hosts_removed.empty() && provenance.hosts_added.empty() &&
                              provenance.hosts_renamed.empty() && provenance.hosts_recaptured.empty();
    if (provenance.names && same_classes) out.push_back("names of hosts that the documents do not list");
    put_list("no longer filled in by the VMM: ", provenance.owned_removed, place_text, out);
    put_list("now filled in by the VMM: ", provenance.owned_added, place_text, out);
    put_list(
        "the same value, decided otherwise: ", untold(difference), [](const std::string& id) { return id; }, out);
    put_list("findings that are gone: ", provenance.findings_removed, finding_text, out);
    put_list("new findings: ", provenance.findings_added, finding_text, out);
    put_list("findings of other hosts, or in other words: ", provenance.findings_changed, changed_finding_text, out);
    return out;
}

}  // namespace poolcpuid::cli
